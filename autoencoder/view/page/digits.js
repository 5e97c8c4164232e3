"use strict";

const SIDE = 28;
const PIXELS = SIDE * SIDE;

/** The real digits, and what one asks of them; the twin of LatentMap in Python. */
class Digits {
  constructor(reader, { digits, latentScale, limits, densestPoints, far }) {
    this.limits = limits; // what the map shows: [[left, right], [bottom, top]]
    this.bounds = limits.map((ends) => ends.map((end) => clip(end, -1, 1))); // of the point
    this.far = far; // from the nearest digit, beyond which a point is like none of them
    this.visible = Array(10).fill(true); // which digits are shown, and count
    this.densestPoints = densestPoints; // of the ten digits; null for a digit that is not here
    const units = reader.take(Int16Array, 2 * digits);
    this.latents = new Float32Array(units).map((unit) => unit / latentScale);
    this.labels = reader.take(Uint8Array, digits);
    this.packed = null;
  }

  addPixels(reader) {
    this.packed = reader.take(Uint8Array, (this.labels.length * PIXELS) / 2);
  }

  /** Whether the pixels are here, which come last. */
  get complete() {
    return this.packed !== null;
  }

  /** The point that a digit was encoded to. */
  latent(index) {
    return this.latents.subarray(2 * index, 2 * index + 2);
  }

  isShown(index) {
    return this.visible[this.labels[index]];
  }

  /** Whether a digit is the only one that is not hidden. */
  showsOnly(digit) {
    return this.visible.every((visible, each) => visible === (each === digit));
  }

  /** The indices of the digits that are not hidden. */
  shown() {
    return [...this.labels.keys()].filter((index) => this.isShown(index));
  }

  /** The indices of the digits nearest to a point, of those that are not hidden, nearest first. */
  nearest([x, y], count) {
    const squares = new Float64Array(this.labels.length);
    for (let i = 0; i < squares.length; i++) {
      squares[i] = this.isShown(i)
        ? (this.latents[2 * i] - x) ** 2 + (this.latents[2 * i + 1] - y) ** 2
        : Infinity;
    }
    return smallest(squares, count).filter((index) => squares[index] < Infinity);
  }

  /** Whether a point is far from a digit: farther than nearly all digits are from their nearest. */
  isFar([x, y], index) {
    const [itsX, itsY] = this.latent(index);
    return Math.hypot(itsX - x, itsY - y) > this.far;
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

/** Paint 784 pixels in [0, 1] as ink, each as opaque as its number says. */
function paintDigit(canvas, pixels, left = 0, top = 0) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(SIDE, SIDE);
  image.data.fill(inkGrey());
  for (let i = 0; i < PIXELS; i++) image.data[4 * i + 3] = Math.round(255 * pixels[i]);
  context.putImageData(image, left, top);
}
