"use strict";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };

const DOUBLE_MS = 400; // at most, between the two releases of a double click or tap
const DOUBLE_PIXELS = { mouse: 5, pen: 12, touch: 24 };

/** The mouse or a finger on the map, the keys, and the buttons that do what keys do. */
class Gestures {
  constructor(explorer, nudge) {
    this.explorer = explorer;
    this.nudge = nudge; // how far an arrow moves the point
    this.map = explorer.map.element;
    this.help = byId("help");
    this.map.addEventListener("pointerdown", (event) => this.onPress(event));
    this.map.addEventListener("pointermove", (event) => this.onMove(event));
    this.map.addEventListener("pointerup", (event) => this.onRelease(event));
    // Else a drag counts as a fling too, and Chromium takes the next tap only to stop it.
    this.map.addEventListener("touchstart", (event) => event.preventDefault());
    document.addEventListener("keydown", (event) => this.onKey(event));
    byId("centre").addEventListener("click", () => explorer.stopAndMoveTo([0, 0]));
    byId("clear").addEventListener("click", () => explorer.clear());
    byId("another").addEventListener("click", () => explorer.takeInAnother());
    byId("language").addEventListener("click", () => explorer.speak(explorer.language.other()));
    byId("help-switch").addEventListener("click", () => this.help.showModal());
    this.help.addEventListener("click", () => this.help.close());
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

  onKey(event) {
    const action = this.actionOf(event);
    if (!action || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const helpWasOpen = this.help.open;
    this.help.close();
    action(helpWasOpen);
  }

  actionOf(event) {
    const { explorer } = this;
    if (event.key in ARROWS) {
      const step = this.nudge * (event.shiftKey ? 10 : 1);
      const [right, up] = ARROWS[event.key];
      const [x, y] = explorer.point;
      return () => explorer.stopAndMoveTo([x + step * right, y + step * up]);
    }
    // The key's code and not its character: on a French keyboard, numbers need shift.
    const number = /^(?:Digit|Numpad)(\d)$/.exec(event.code);
    if (number) return () => explorer.jumpTo(Number(number[1]));
    const actions = {
      g: () => explorer.gridSwitch.toggle(),
      d: () => explorer.densitySwitch.toggle(),
      t: () => explorer.tour.switch.toggle(),
      c: () => explorer.clear(),
      n: () => explorer.takeInAnother(),
      r: () => explorer.stopAndMoveTo([0, 0]),
      h: (helpWasOpen) => helpWasOpen || this.help.showModal(),
    };
    return actions[event.key.toLowerCase()];
  }
}
