"use strict";

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
