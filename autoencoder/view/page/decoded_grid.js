"use strict";

/** Decoded digits under the dots, over all of the map that lies in the latent space, [-1, 1]². */
class DecodedGrid {
  constructor(map, decode, side) {
    this.map = map;
    this.decode = decode;
    this.side = side; // digits in a row, and rows
    this.canvas = byId("grid");
  }

  show(shown) {
    this.canvas.hidden = !shown;
    if (shown && this.rows === undefined) this.build();
  }

  build() {
    const { style } = this.canvas;
    this.canvas.width = this.canvas.height = this.side * SIDE;
    this.limits = this.map.limits.map((ends) => ends.map((end) => clip(end, -1, 1)));
    const [[left, right], [bottom, top]] = this.limits;
    const [acrossStart, downStart] = this.map.toFractions([left, top]);
    const [acrossEnd, downEnd] = this.map.toFractions([right, bottom]);
    style.left = percent(acrossStart);
    style.top = percent(downStart);
    style.width = percent(acrossEnd - acrossStart);
    style.height = percent(downEnd - downStart);
    this.rows = 0;
    this.addRow();
  }

  /** Add a row in each frame: all of them at once would make the page stutter. */
  addRow() {
    const [[left, right], [bottom, top]] = this.limits;
    const y = top + ((this.rows + 0.5) / this.side) * (bottom - top);
    for (let column = 0; column < this.side; column++) {
      const x = left + ((column + 0.5) / this.side) * (right - left);
      paintDigit(this.canvas, this.decode([x, y]), column * SIDE, this.rows * SIDE);
    }
    this.rows += 1;
    if (this.rows < this.side) requestAnimationFrame(() => this.addRow());
  }
}
