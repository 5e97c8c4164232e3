"use strict";

/** Takes one array after the other out of a run of bytes. */
class Reader {
  constructor(buffer) {
    this.buffer = buffer;
    this.offset = 0;
  }

  take(Type, length) {
    const start = this.offset;
    this.offset += length * Type.BYTES_PER_ELEMENT;
    // A copy, because an array in place must start at a multiple of its element's size.
    return new Type(this.buffer.slice(start, this.offset));
  }
}

/** Undo base64 and deflate. */
async function unpack(base64) {
  const packed = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Reader(await new Response(stream).arrayBuffer());
}

/** Turn float16 numbers, all their low bytes and then all their high ones, into float32. */
function widen(planes) {
  const count = planes.length / 2;
  const bits = Uint32Array.from({ length: count }, (_, i) => {
    const half = planes[i] | (planes[count + i] << 8);
    return ((half & 0x8000) << 16) | ((half & 0x7fff) << 13);
  });
  // The exponents have the right bits now, but are too small by 127 - 15.
  return new Float32Array(bits.buffer).map((value) => value * 2 ** 112);
}

/** The indices of the smallest numbers, smallest first; of equal ones the first. */
function smallest(numbers, count) {
  const indices = [];
  for (let i = 0; i < numbers.length; i++) {
    if (indices.length === count && !(numbers[i] < numbers[indices.at(-1)])) continue;
    const rank = indices.findIndex((index) => numbers[i] < numbers[index]);
    indices.splice(rank < 0 ? indices.length : rank, 0, i);
    indices.length = Math.min(indices.length, count);
  }
  return indices;
}
