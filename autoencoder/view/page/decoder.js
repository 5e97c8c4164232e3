"use strict";

const SIDE = 28;
const PIXELS = SIDE * SIDE;

/** Takes arrays one after the other out of a run of bytes. */
class Reader {
  constructor(buffer) {
    this.buffer = buffer;
    this.offset = 0;
  }

  take(Type, length) {
    const start = this.offset;
    this.offset += length * Type.BYTES_PER_ELEMENT;
    // A copy, which may start where the elements of the original would not be aligned.
    return new Type(this.buffer.slice(start, this.offset));
  }
}

/** The numbers behind base64 and deflate. */
async function unpack(base64) {
  const packed = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Reader(await new Response(stream).arrayBuffer());
}

/** Float16 numbers, given as all their low bytes and then all their high ones, as float32. */
function widen(planes) {
  const count = planes.length / 2;
  const bits = Uint32Array.from({ length: count }, (_, i) => {
    const half = planes[i] | (planes[count + i] << 8);
    return ((half & 0x8000) << 16) | ((half & 0x7fff) << 13);
  });
  // The exponents are now in their place, but count from 15 instead of 127.
  return new Float32Array(bits.buffer).map((value) => value * 2 ** 112);
}

/** The network's second half: a code of two numbers to 784 pixels. */
class Decoder {
  constructor(reader, facts) {
    this.frequencies = reader.take(Float32Array, 2 * facts.frequencies);
    this.features = new Float32Array(2 + 2 * facts.frequencies);
    this.layers = facts.layers.map(({ inputs, outputs, bytes }) => ({
      weights:
        bytes === 2
          ? widen(reader.take(Uint8Array, 2 * inputs * outputs))
          : reader.take(Float32Array, inputs * outputs),
      biases: reader.take(Float32Array, outputs),
      outputs: new Float32Array(outputs),
    }));
  }

  /** The pixels at a place, 784 in [0, 1]; the next call writes over them. */
  decode(x, y) {
    let values = this.look(x, y);
    for (const layer of this.layers) {
      propagate(values, layer);
      values = layer.outputs;
      if (layer !== this.layers.at(-1)) rectify(values);
    }
    for (let i = 0; i < values.length; i++) values[i] = 1 / (1 + Math.exp(-values[i]));
    return values;
  }

  /** The code, and the sines and cosines of its Fourier features. */
  look(x, y) {
    const count = this.frequencies.length / 2;
    this.features[0] = x;
    this.features[1] = y;
    for (let i = 0; i < count; i++) {
      const angle = x * this.frequencies[i] + y * this.frequencies[count + i];
      this.features[2 + i] = Math.sin(angle);
      this.features[2 + count + i] = Math.cos(angle);
    }
    return this.features;
  }
}

/** A linear layer. Weights lie input by input, so an input of zero, as half of them are, is free. */
function propagate(inputs, { weights, biases, outputs }) {
  const width = outputs.length;
  outputs.set(biases);
  for (let i = 0; i < inputs.length; i++) {
    const value = inputs[i];
    if (value === 0) continue;
    const start = i * width;
    for (let j = 0; j < width; j++) outputs[j] += value * weights[start + j];
  }
}

function rectify(values) {
  for (let i = 0; i < values.length; i++) if (values[i] < 0) values[i] = 0;
}

/** The real digits on the map. */
class Digits {
  constructor(reader, { digits, latentScale }) {
    this.latents = Float32Array.from(reader.take(Int16Array, 2 * digits), (n) => n / latentScale);
    this.labels = reader.take(Uint8Array, digits);
    this.packed = reader.take(Uint8Array, (digits * PIXELS) / 2);
  }

  /** The indices of the digits nearest to a place, nearest first. */
  nearest(x, y, count) {
    const indices = [];
    const distances = [];
    for (let i = 0; i < this.labels.length; i++) {
      const distance = (this.latents[2 * i] - x) ** 2 + (this.latents[2 * i + 1] - y) ** 2;
      if (distances.length === count && distance >= distances[count - 1]) continue;
      const rank = distances.findIndex((other) => other > distance);
      const at = rank < 0 ? distances.length : rank;
      distances.splice(at, 0, distance);
      indices.splice(at, 0, i);
      distances.length = indices.length = Math.min(indices.length, count);
    }
    return indices;
  }

  /** The pixels of a digit, 784 in [0, 1]. */
  pixels(index) {
    const start = (index * PIXELS) / 2;
    return Float32Array.from({ length: PIXELS }, (_, i) => {
      const row = Math.floor(i / SIDE);
      const pair = this.packed[start + (row >> 1) * SIDE + (i % SIDE)];
      return (row % 2 ? pair & 15 : pair >> 4) / 15;
    });
  }
}
