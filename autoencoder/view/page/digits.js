"use strict";

const SIDE = 28;
const PIXELS = SIDE * SIDE;

/** The real digits, which are the same on every map. */
class Digits {
  constructor(reader, count) {
    this.visible = Array(10).fill(true); // which digits are shown, and count
    this.labels = reader.take(Uint8Array, count);
    this.packed = null;
  }

  addPixels(reader) {
    this.packed = reader.take(Uint8Array, (this.labels.length * PIXELS) / 2);
  }

  /** Whether the pixels are here, which come last. */
  get complete() {
    return this.packed !== null;
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
