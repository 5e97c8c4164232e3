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

  /** Show the map this many times as large, with a point at fractions of the view. */
  hold([x, y], [across, down], zoom) {
    const [width, height] = this.limits.map(([low, high]) => (high - low) / clip(zoom, 1, MOST_ZOOM));
    this.show(zoom, [x + (0.5 - across) * width, y + (down - 0.5) * height]);
  }

  /** Zoom by a factor, around a point that stays where it is. */
  zoomAt(point, factor) {
    this.hold(point, this.toFractions(point), this.zoom * factor);
  }

  contains(point) {
    return this.ends.every(([low, high], axis) => point[axis] >= low && point[axis] <= high);
  }

  /** Have a point in view, and some room around it: pan as far as it takes. */
  reveal(point) {
    if (this.contains(point)) return;
    const inside = this.toFractions(point).map((at) => clip(at, 0.1, 0.9));
    this.hold(point, inside, this.zoom);
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
