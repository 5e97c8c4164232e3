"use strict";

/** The second half of the network: from two numbers to 784 pixels. */
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

  /** The digit that a point decodes to, 784 pixels in [0, 1]; the next call writes over them. */
  decode(point) {
    let values = this.computeFeatures(point);
    for (const layer of this.layers) {
      propagate(values, layer);
      values = layer.outputs;
      if (layer !== this.layers.at(-1)) rectify(values);
    }
    for (let i = 0; i < values.length; i++) values[i] = 1 / (1 + Math.exp(-values[i]));
    return values;
  }

  /** The code, followed by the sines and cosines of its Fourier features. */
  computeFeatures([x, y]) {
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

/** A linear layer. Its weights lie input by input: inputs of zero, half of them, cost nothing. */
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
