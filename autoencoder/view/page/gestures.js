"use strict";

const DOUBLE_MS = 400; // at most, between the two releases of a double click or tap
const DOUBLE_PIXELS = { mouse: 5, pen: 12, touch: 24 };

/** The mouse or a finger on the map. */
class Gestures {
  constructor(explorer) {
    this.explorer = explorer;
    this.map = explorer.map.element;
    this.map.addEventListener("pointerdown", (event) => this.onPress(event));
    this.map.addEventListener("pointermove", (event) => this.onMove(event));
    this.map.addEventListener("pointerup", (event) => this.onRelease(event));
    // Else a drag counts as a fling too, and Chromium takes the next tap only to stop it.
    this.map.addEventListener("touchstart", (event) => event.preventDefault());
  }

  onPress(event) {
    if (event.button !== 0 || !event.isPrimary) return;
    this.map.setPointerCapture(event.pointerId);
    this.explorer.tour.stop();
    this.onMove(event);
  }

  onMove(event) {
    if (!this.map.hasPointerCapture(event.pointerId)) return;
    this.explorer.moveTo(this.explorer.map.pointUnder(event));
  }

  /** Take in the nearest digit at a double click or tap; of a tap, not every browser tells. */
  onRelease(event) {
    if (!this.map.hasPointerCapture(event.pointerId)) return;
    const { last } = this;
    this.last = event;
    if (!last || event.timeStamp - last.timeStamp > DOUBLE_MS) return;
    const distance = Math.hypot(event.clientX - last.clientX, event.clientY - last.clientY);
    if (distance > DOUBLE_PIXELS[event.pointerType]) return;
    this.last = null;
    this.explorer.takeInNearest(this.explorer.map.pointUnder(event));
  }
}
