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
      tangents: [new Float32Array(outputs), new Float32Array(outputs)],
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

  /** The digit of a point, and how fast each pixel changes along x and along y. */
  differentiate(point) {
    let values = this.computeFeatures(point);
    let tangents = this.differentiateFeatures();
    for (const layer of this.layers) {
      propagate(values, layer);
      layer.tangents.forEach((outputs, axis) => {
        outputs.fill(0);
        addProducts(tangents[axis], layer.weights, outputs);
      });
      ({ outputs: values, tangents } = layer);
      if (layer !== this.layers.at(-1)) {
        for (const tangent of tangents) rectify(tangent, values);
        rectify(values);
      }
    }
    for (let i = 0; i < values.length; i++) {
      values[i] = 1 / (1 + Math.exp(-values[i]));
      for (const tangent of tangents) tangent[i] *= values[i] * (1 - values[i]);
    }
    return { pixels: values, tangents };
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

  /** How fast the features computed last change along x and along y. */
  differentiateFeatures() {
    const count = this.frequencies.length / 2;
    return [0, 1].map((axis) => {
      const tangent = new Float32Array(this.features.length);
      tangent[axis] = 1;
      for (let i = 0; i < count; i++) {
        const frequency = this.frequencies[axis * count + i];
        tangent[2 + i] = frequency * this.features[2 + count + i];
        tangent[2 + count + i] = -frequency * this.features[2 + i];
      }
      return tangent;
    });
  }
}

/** A linear layer. */
function propagate(inputs, { weights, biases, outputs }) {
  outputs.set(biases);
  addProducts(inputs, weights, outputs);
}

/**
 * Add inputs times weights, which lie input by input: inputs of zero, half of them, are left out.
 * Four of the others at a time take less than half as long as one by one.
 */
function addProducts(inputs, weights, outputs) {
  const width = outputs.length;
  const active = [];
  for (let i = 0; i < inputs.length; i++) if (inputs[i] !== 0) active.push(i);
  for (let n = 0; n < active.length; n += 4) {
    const four = [n, n + 1, n + 2, n + 3];
    const [p, q, r, s] = four.map((k) => inputs[active[k]] ?? 0);
    const [a, b, c, d] = four.map((k) => (active[k] ?? 0) * width);
    for (let j = 0; j < width; j++) {
      outputs[j] +=
        p * weights[a + j] + q * weights[b + j] + r * weights[c + j] + s * weights[d + j];
    }
  }
}

/** Set to zero what belongs to a negative sum. */
function rectify(values, sums = values) {
  for (let i = 0; i < values.length; i++) if (sums[i] < 0) values[i] = 0;
}
