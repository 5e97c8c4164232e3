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

/** Undo base64 and deflate. A browser reads a template in two thirds of the time of a script. */
async function unpack(template) {
  // Loops: Uint8Array.from with a function takes thirty times as long.
  const characters = atob(template.content.textContent);
  const packed = new Uint8Array(characters.length);
  for (let i = 0; i < packed.length; i++) packed[i] = characters.charCodeAt(i);
  return new Reader(await inflate(packed));
}

/** By hand: a Blob and a Response hand over to other threads, and take three times as long. */
async function inflate(packed) {
  const source = new ReadableStream({
    start(controller) {
      controller.enqueue(packed);
      controller.close();
    },
  });
  const reader = source.pipeThrough(new DecompressionStream("deflate")).getReader();
  const parts = [];
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    parts.push(next.value);
  }
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes.buffer;
}

/** Turn float16 numbers, all their low bytes and then all their high ones, into float32. */
function widen(planes) {
  const count = planes.length / 2;
  const bits = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const half = planes[i] | (planes[count + i] << 8);
    bits[i] = ((half & 0x8000) << 16) | ((half & 0x7fff) << 13);
  }
  // The exponents have the right bits now, but are too small by 127 - 15.
  const numbers = new Float32Array(bits.buffer);
  for (let i = 0; i < count; i++) numbers[i] *= 2 ** 112;
  return numbers;
}

/** The mean of the squared differences of two runs of numbers. */
function meanSquaredError(one, other) {
  return one.reduce((sum, number, i) => sum + (number - other[i]) ** 2, 0) / one.length;
}

/** The point at a progress from 0 to 1 on the straight way from one point to another. */
function between(start, end, progress) {
  return start.map((from, axis) => from + progress * (end[axis] - from));
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
