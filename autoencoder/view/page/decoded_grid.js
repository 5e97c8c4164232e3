"use strict";

const REST_MS = 150; // without a change of the view, before it is decoded anew

/** Decoded digits under the dots, over all that is in view of the latent space, [-1, 1]². */
class DecodedGrid {
  constructor(map, side) {
    this.map = map;
    this.side = side; // digits in a row, and rows
    this.canvas = byId("grid");
    this.canvas.width = this.canvas.height = side * SIDE;
    this.next = this.canvas.cloneNode(); // decoded out of sight, until it is complete
    this.rows = null; // of the next one, while the grid is shown
  }

  show(shown) {
    this.canvas.hidden = !shown;
    if (shown) this.build();
    else this.stop();
  }

  /** Lie where the map has what is decoded already; decode anew when the view rests. */
  follow() {
    if (this.canvas.hidden) return;
    this.place();
    this.stop();
    this.resting = setTimeout(() => this.build(), REST_MS);
  }

  stop() {
    clearTimeout(this.resting);
    cancelAnimationFrame(this.frame);
    this.rows = null;
  }

  /** What is decoded is of another map. */
  forget() {
    this.canvas.getContext("2d").clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  build() {
    this.stop();
    this.nextLimits = bounds(this.map.viewport.ends);
    this.rows = 0;
    this.addRow();
  }

  /** Add a row in each frame: all of them at once would make the page stutter. */
  addRow() {
    const [[left, right], [bottom, top]] = this.nextLimits;
    const y = top + ((this.rows + 0.5) / this.side) * (bottom - top);
    for (let column = 0; column < this.side; column++) {
      const x = left + ((column + 0.5) / this.side) * (right - left);
      const pixels = this.map.latentMap.decode([x, y]);
      paintDigit(this.next, pixels, column * SIDE, this.rows * SIDE);
    }
    this.rows += 1;
    if (this.rows < this.side) this.frame = requestAnimationFrame(() => this.addRow());
    else this.finish();
  }

  finish() {
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.drawImage(this.next, 0, 0);
    this.limits = this.nextLimits;
    this.place();
  }

  place() {
    if (!this.limits) return;
    const [[left, right], [bottom, top]] = this.limits;
    const [acrossStart, downStart] = this.map.toFractions([left, top]);
    const [acrossEnd, downEnd] = this.map.toFractions([right, bottom]);
    const { style } = this.canvas;
    style.left = percent(acrossStart);
    style.top = percent(downStart);
    style.width = percent(acrossEnd - acrossStart);
    style.height = percent(downEnd - downStart);
  }
}
