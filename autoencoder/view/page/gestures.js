"use strict";

const DOUBLE_MS = 400; // at most, between the two releases of a double click or tap
const DOUBLE_PIXELS = { mouse: 5, pen: 12, touch: 24 };
const WHEEL_ZOOM = 0.002; // the logarithm of the zoom, for each pixel that a wheel scrolls
const PINCH_ZOOM = 0.01; // the same, for a pinch on a trackpad, which browsers tell as a wheel's
const LINE = 20; // pixels, where a wheel counts lines

/** The mouse or fingers on the map: they move the point, or the view. */
class Gestures {
  constructor(explorer) {
    this.explorer = explorer;
    this.map = explorer.map;
    this.pointers = new Map(); // those that are down: their last events
    const { element } = this.map;
    element.addEventListener("pointerdown", (event) => this.onPress(event));
    element.addEventListener("pointermove", (event) => this.onMove(event));
    element.addEventListener("pointerup", (event) => this.onRelease(event));
    element.addEventListener("pointercancel", (event) => this.forget(event));
    element.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
    // Else a drag counts as a fling too, and Chromium takes the next tap only to stop it.
    element.addEventListener("touchstart", (event) => event.preventDefault());
  }

  onPress(event) {
    if (event.button !== 0) return;
    this.map.element.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, event);
    // Until the last finger is lifted.
    this.movesView = event.shiftKey || this.pointers.size > 1;
    if (this.movesView) this.grab();
    // A first finger may be one of two.
    else if (event.pointerType !== "touch") this.movePoint(event);
  }

  onMove(event) {
    if (!this.pointers.has(event.pointerId)) return;
    this.pointers.set(event.pointerId, event);
    if (this.movesView) this.moveView();
    else this.movePoint(event);
  }

  onRelease(event) {
    if (!this.pointers.has(event.pointerId)) return;
    if (!this.movesView) this.onClick(event);
    this.forget(event);
  }

  forget(event) {
    this.pointers.delete(event.pointerId);
    if (!this.pointers.size) this.movesView = false;
    if (this.movesView) this.grab();
  }

  /** Take in the nearest digit at a double click or tap; of a tap, not every browser tells. */
  onClick(event) {
    if (event.pointerType === "touch") this.movePoint(event);
    const { last } = this;
    this.last = event;
    if (!last || event.timeStamp - last.timeStamp > DOUBLE_MS) return;
    if (distance(event, last) > DOUBLE_PIXELS[event.pointerType]) return;
    this.last = null;
    this.explorer.takeInNearest(this.map.pointUnder(event));
  }

  movePoint(event) {
    this.explorer.stopAndMoveTo(this.map.pointUnder(event));
  }

  /** Take hold of the map where the pointers are: of two, between them. */
  grab() {
    const { middle, apart } = this.spread();
    this.held = { point: this.map.pointUnder(middle), apart, zoom: this.map.viewport.zoom };
  }

  /** Let the map follow: what was held stays there, and two fingers zoom. */
  moveView() {
    const { middle, apart } = this.spread();
    const zoom = (this.held.zoom * apart) / this.held.apart;
    this.map.changeView((viewport) => {
      viewport.hold(this.held.point, this.map.fractionsUnder(middle), zoom);
    });
  }

  spread() {
    const [one, other = one] = [...this.pointers.values()];
    const middle = {
      clientX: (one.clientX + other.clientX) / 2,
      clientY: (one.clientY + other.clientY) / 2,
    };
    return { middle, apart: Math.max(distance(one, other), 1) };
  }

  /** Zoom around the mouse; where there is nothing to zoom out of, the page scrolls. */
  onWheel(event) {
    const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE : 1);
    if (pixels > 0 && this.map.viewport.zoom === 1 && !event.ctrlKey) return;
    event.preventDefault();
    const point = this.map.pointUnder(event);
    const factor = Math.exp(-pixels * (event.ctrlKey ? PINCH_ZOOM : WHEEL_ZOOM));
    this.map.changeView((viewport) => viewport.zoomAt(point, factor));
  }
}

function distance(one, other) {
  return Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
}
