"use strict";

/** Two principal components; the twin of autoencoder/linear.py, which fitted them. */
class PrincipalComponents {
  constructor(reader) {
    this.mean = reader.take(Float32Array, PIXELS);
    this.components = [reader.take(Float32Array, PIXELS), reader.take(Float32Array, PIXELS)];
    this.squares = this.components.map((component) => product(component, component));
    this.values = new Float32Array(PIXELS);
  }

  /** The code of 784 pixels. */
  encode(pixels) {
    const rest = pixels.map((pixel, i) => pixel - this.mean[i]);
    return this.components.map((component, axis) => product(rest, component) / this.squares[axis]);
  }

  /** 784 pixels, some of them beyond [0, 1]; the next call writes over them. */
  decode([x, y]) {
    const [across, up] = this.components;
    for (let i = 0; i < PIXELS; i++) this.values[i] = this.mean[i] + x * across[i] + y * up[i];
    return this.values;
  }

  // --- in place of a search: the code is the best point ---

  get complete() {
    return true;
  }

  find(pixels) {
    return this.encode(pixels);
  }
}

function product(one, other) {
  return one.reduce((sum, value, i) => sum + value * other[i], 0);
}
