"use strict";

const PLACES = 4096; // on the map whose digits are known
const STARTS = 2; // of the places that come closest, from which the search goes on
const STEPS = 2; // of the search, from each
const POOLED = (SIDE / 2) ** 2;
const SLICE_MS = 8; // of work between two chances for the page to react

// Safari knows no idle time.
const whenIdle = window.requestIdleCallback ?? ((work) => setTimeout(work, 2 * SLICE_MS));

/**
 * Finds the point whose digit comes closest to a picture, without an encoder: it compares with the
 * digits of places all over the map, then follows the decoder's slope from the closest ones.
 *
 * The places become known while the page is idle. They follow Roberts' sequence R2, of which any
 * beginning is spread evenly: after an eighth of them, the error beyond the best point's is a third
 * of what it is after an eighth of the rows of a square grid.
 */
class Lookup {
  constructor(decoder, limits) {
    this.decoder = decoder;
    this.limits = limits; // of the places
    this.known = 0;
    this.digits = new Float32Array(PLACES * POOLED);
    this.addPlace();
    this.whenComplete = new Promise((done) => whenIdle(() => this.addPlaces(done)));
  }

  get complete() {
    return this.known === PLACES;
  }

  addPlaces(onComplete) {
    const end = performance.now() + SLICE_MS;
    while (!this.complete && performance.now() < end) this.addPlace();
    if (this.complete) onComplete();
    else whenIdle(() => this.addPlaces(onComplete));
  }

  addPlace() {
    const pooled = pool(this.decoder.decode(this.place(this.known)));
    this.digits.set(pooled, this.known * POOLED);
    this.known += 1;
  }

  place(n) {
    const [[left, right], [bottom, top]] = this.limits;
    const across = (0.5 + n * 0.7548776662466927) % 1;
    const up = (0.5 + n * 0.5698402909980532) % 1;
    return [left + across * (right - left), bottom + up * (top - bottom)];
  }

  /** The best point that is found from the closest places, and from others that are given. */
  find(pixels, ...others) {
    const starts = [...this.closestPlaces(pixels), ...others];
    const ends = starts.map((start) => this.descend(start, pixels));
    return ends.reduce((one, other) => (other.error < one.error ? other : one)).point;
  }

  /** The known places whose digits come closest, compared at half the resolution. */
  closestPlaces(pixels) {
    const wanted = pool(pixels);
    const distances = new Float64Array(this.known);
    const { digits } = this;
    for (let n = 0, k = 0; n < this.known; n++) {
      let sum = 0;
      for (let i = 0; i < POOLED; i++, k++) sum += (digits[k] - wanted[i]) ** 2;
      distances[n] = sum;
    }
    return smallest(distances, STARTS).map((n) => this.place(n));
  }

  /** Take Gauss-Newton steps for as long as they come closer. */
  descend(start, pixels) {
    let best = this.look(start, pixels);
    for (let n = 0; n < STEPS; n++) {
      const { point, step } = best;
      const end = this.limits.map((ends, axis) => clip(point[axis] + step[axis], ...ends));
      const next = this.look(end, pixels);
      if (!(next.error < best.error)) break;
      best = next;
    }
    return best;
  }

  /** How far the digit of a point is from the pixels, and the step that should come closest. */
  look(point, pixels) {
    const { pixels: decoded, tangents } = this.decoder.differentiate(point);
    const [across, up] = tangents;
    let [error, xx, xy, yy, x, y] = [0, 0, 0, 0, 0, 0];
    for (let i = 0; i < PIXELS; i++) {
      const rest = pixels[i] - decoded[i];
      error += rest * rest;
      xx += across[i] * across[i];
      xy += across[i] * up[i];
      yy += up[i] * up[i];
      x += across[i] * rest;
      y += up[i] * rest;
    }
    const determinant = xx * yy - xy * xy;
    const step = [(yy * x - xy * y) / determinant, (xx * y - xy * x) / determinant];
    return { point, error, step };
  }
}

/** Sum up squares of 2 x 2 pixels. */
function pool(pixels) {
  return Float32Array.from({ length: POOLED }, (_, i) => {
    const corner = 2 * SIDE * Math.floor(i / (SIDE / 2)) + 2 * (i % (SIDE / 2));
    const [below, right] = [SIDE, 1];
    return (
      pixels[corner] +
      pixels[corner + right] +
      pixels[corner + below] +
      pixels[corner + below + right]
    );
  });
}
