"use strict";

const MOST_ZOOM = 16; // times as large as the whole map

/** The part of a map that is in view, as large as the whole or smaller, and of the same shape. */
class Viewport {
  constructor(limits) {
    this.limits = limits; // of the whole map: [[left, right], [bottom, top]]
    this.reset();
  }

  reset() {
    this.show(1, this.limits.map(([low, high]) => (low + high) / 2));
  }

  /** Show the map this many times as large, around a centre or as near to it as the map allows. */
  show(zoom, centre) {
    this.zoom = clip(zoom, 1, MOST_ZOOM);
    this.ends = this.limits.map(([low, high], axis) => {
      const size = (high - low) / this.zoom;
      const start = clip(centre[axis] - size / 2, low, high - size);
      return [start, start + size];
    });
  }

  get centre() {
    return this.ends.map(([low, high]) => (low + high) / 2);
  }

  /** Zoom by a factor, around a point that stays where it is. */
  zoomAt(point, factor) {
    const zoom = clip(this.zoom * factor, 1, MOST_ZOOM);
    const share = this.zoom / zoom;
    this.show(zoom, this.centre.map((middle, axis) => point[axis] + share * (middle - point[axis])));
  }

  pan(step) {
    this.show(this.zoom, this.centre.map((middle, axis) => middle + step[axis]));
  }

  contains(point) {
    return this.ends.every(([low, high], axis) => point[axis] >= low && point[axis] <= high);
  }

  /** Have a point in view, and some room around it: pan as far as it takes. */
  reveal(point) {
    if (this.contains(point)) return;
    this.pan(
      this.ends.map(([low, high], axis) => {
        const room = 0.1 * (high - low);
        return Math.max(point[axis] - high + room, 0) + Math.min(point[axis] - low - room, 0);
      }),
    );
  }

  /** A point as fractions of what is in view, from its top left. */
  toFractions([x, y]) {
    const [[left, right], [bottom, top]] = this.ends;
    return [(x - left) / (right - left), (top - y) / (top - bottom)];
  }

  /** The point at fractions of what is in view. */
  toPoint([across, down]) {
    const [[left, right], [bottom, top]] = this.ends;
    return [left + across * (right - left), top + down * (bottom - top)];
  }
}
