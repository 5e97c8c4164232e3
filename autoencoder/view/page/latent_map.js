"use strict";

const ENCLOSED = [0.25, 0.5, 0.75]; // shares of a digit's codes within its contours

/** A model, and the digits where it puts them; the twin of LatentMap in Python. */
class LatentMap {
  constructor(digits, model, finder, codes, facts) {
    this.digits = digits;
    this.model = model; // decodes points
    this.finder = finder; // finds the point of a picture
    this.codes = codes; // of all digits, x and y in turn
    this.limits = facts.limits; // what the map shows: [[left, right], [bottom, top]]
    this.bounds = bounds(facts.limits); // of the point
    this.densestPoints = facts.densestPoints; // of the ten digits; null for one that is not here
    this.errorPercentiles = facts.errorPercentiles; // the 0th to the 100th
    this.meanError = facts.meanError;
    this.far = facts.far; // from the nearest digit, beyond which a point is like none of them
  }

  decode(point) {
    return this.model.decode(point);
  }

  /** The point that a digit was encoded to. */
  latent(index) {
    return [this.codes[2 * index], this.codes[2 * index + 1]];
  }

  /** The nearest point within the map. */
  clip(point) {
    return this.bounds.map((ends, axis) => clip(point[axis], ...ends));
  }

  /** The indices of the digits nearest to a point, of those that are not hidden, nearest first. */
  nearest([x, y], count) {
    const { digits, codes } = this;
    const squares = new Float64Array(digits.labels.length);
    for (let i = 0; i < squares.length; i++) {
      squares[i] = digits.isShown(i)
        ? (codes[2 * i] - x) ** 2 + (codes[2 * i + 1] - y) ** 2
        : Infinity;
    }
    return smallest(squares, count).filter((index) => squares[index] < Infinity);
  }

  /** Whether a point is far from a digit: farther than nearly all digits are from their nearest. */
  isFar([x, y], index) {
    const [itsX, itsY] = this.latent(index);
    return Math.hypot(itsX - x, itsY - y) > this.far;
  }

  /** The mean squared error of what a point decodes to. */
  errorAt(point, pixels) {
    return meanSquaredError(pixels, this.decode(point));
  }

  /** Where each digit is dense, as far as the whole map goes; computed when first asked for. */
  densities() {
    const whole = new Viewport(this.limits);
    const { labels } = this.digits;
    this.estimates ??= this.densestPoints.map((_, digit) => {
      const indices = [...labels.keys()].filter((index) => labels[index] === digit);
      const points = indices.map((index) => whole.toFractions(this.latent(index)));
      return estimateDensity(points, ENCLOSED);
    });
    return this.estimates;
  }
}

/** The part of the latent space, [-1, 1]², that lies within limits. */
function bounds(limits) {
  return limits.map((ends) => ends.map((end) => clip(end, -1, 1)));
}
