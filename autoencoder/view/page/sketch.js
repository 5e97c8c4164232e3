"use strict";

const BRUSH = 0.09; // of the panel's width
const ERASER = 0.06; // its radius, of the panel's width
const SPACING = 0.02; // of the points of a stroke, at most: the eraser takes out points
const [MAIN_BUTTON, RIGHT_BUTTON, PEN_ERASER] = [0, 2, 5];

/** A panel that is drawn in with mouse, pen or finger, or shows a real digit. */
class Sketch {
  constructor(canvas, onDraw) {
    this.canvas = canvas;
    this.onDraw = onDraw;
    this.eraser = new Switch(byId("eraser"), () => {});
    this.show(null);
    canvas.addEventListener("pointerdown", (event) => this.onPress(event));
    canvas.addEventListener("pointermove", (event) => this.onMove(event));
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    // Else a stroke counts as a fling too, and Chromium takes the next tap only to stop it.
    canvas.addEventListener("touchstart", (event) => event.preventDefault());
    new ResizeObserver(() => this.paint()).observe(canvas);
  }

  /** Show the pixels of a real digit, or none, in place of what was drawn. */
  show(pixels) {
    if (!pixels) this.eraser.turn(false);
    this.pixels = pixels;
    this.strokes = [];
    this.last = null;
    this.paint();
  }

  // --- the pointer ---

  onPress(event) {
    if (!event.isPrimary || ![MAIN_BUTTON, RIGHT_BUTTON, PEN_ERASER].includes(event.button)) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.erasing = event.button !== MAIN_BUTTON || this.eraser.on;
    this.pixels = null;
    this.last = this.pointUnder(event);
    if (this.erasing) this.erase(this.last);
    else this.strokes.push([this.last]);
    this.onDraw();
  }

  onMove(event) {
    if (!this.last || !this.canvas.hasPointerCapture(event.pointerId)) return;
    const passed = event.getCoalescedEvents?.() ?? []; // since the last frame
    for (const each of [...passed, event]) this.goTo(this.pointUnder(each));
    this.onDraw();
  }

  /** Draw or erase on a straight line from the last point. */
  goTo(point) {
    const { last } = this;
    const distance = Math.hypot(point[0] - last[0], point[1] - last[1]);
    const steps = Math.ceil(distance / SPACING);
    for (let n = 1; n <= steps; n++) {
      const passed = between(last, point, n / steps);
      if (this.erasing) this.erase(passed);
      else this.strokes.at(-1).push(passed);
    }
    this.last = point;
  }

  erase(point) {
    this.strokes = erase(this.strokes, point, ERASER);
  }

  /** The point of the panel, [0, 1]² from its top left, under the pointer. */
  pointUnder({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect();
    return [
      clip((clientX - box.left) / box.width, 0, 1),
      clip((clientY - box.top) / box.height, 0, 1),
    ];
  }

  // --- the canvas ---

  paint() {
    const { canvas } = this;
    canvas.width = canvas.height = this.pixels ? SIDE : canvas.clientWidth * devicePixelRatio;
    if (this.pixels) paintDigit(canvas, this.pixels);
    else this.paintStrokes(canvas.getContext("2d"), canvas.width);
  }

  paintStrokes(context, size) {
    context.scale(size, size);
    context.strokeStyle = inkColour();
    context.lineWidth = BRUSH;
    context.lineCap = context.lineJoin = "round";
    context.beginPath();
    for (const stroke of this.strokes) {
      context.moveTo(...stroke[0]);
      for (const point of stroke) context.lineTo(...point);
    }
    context.stroke();
  }
}
