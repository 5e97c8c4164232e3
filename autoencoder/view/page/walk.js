"use strict";

const STRIP_SCALE = 4; // pixels of the saved picture, for one of a digit

/** A walk over the map from A to B: its line, and a strip of the digits decoded along it. */
class Walk {
  constructor(map, steps) {
    this.map = map;
    this.steps = steps; // decoded digits, A's and B's among them
    this.ends = []; // A and B, as far as they are marked: their points, and a real digit's index
    this.markers = [byId("walk-a"), byId("walk-b")];
    this.line = byId("walk-line").firstElementChild;
    this.canvas = byId("strip");
    this.canvas.width = steps * SIDE;
    this.canvas.height = SIDE;
    byId("save-strip").addEventListener("click", () => this.save());
  }

  translate({ texts }) {
    this.texts = texts;
    this.show();
  }

  /** Mark A, or B after it, where the point is; without a third end, begin anew. */
  mark(point, real) {
    this.goBetween(this.ends.length === 2 ? [] : [...this.ends, { point, real }]);
  }

  goBetween(ends) {
    this.ends = ends;
    this.showMap(this.map.latentMap);
  }

  /** Real digits have other codes on another map. */
  showMap(latentMap) {
    this.ends = this.ends.map(({ point, real }) => ({
      point: real === null ? latentMap.clip(point) : latentMap.latent(real),
      real,
    }));
    this.show();
  }

  show() {
    const { ends, texts } = this;
    const isWhole = ends.length === 2;
    byId("walk-name").textContent = [texts.walkFrom, texts.walkTo, texts.walkEnd][ends.length];
    this.markers.forEach((marker, n) => this.map.mark(marker, ends[n]?.point ?? null));
    byId("walk").hidden = !isWhole;
    byId("real").hidden = isWhole;
    this.followView();
    if (!isWhole) return;
    byId("walk-ends").textContent = texts.walkEnds(...ends.map(({ real }) => this.describe(real)));
    this.points().forEach((point, n) => {
      paintDigit(this.canvas, this.map.latentMap.decode(point), n * SIDE, 0);
    });
  }

  describe(real) {
    return real === null ? "" : this.texts.real(this.map.latentMap.digits.labels[real]);
  }

  /** Lay the line where the view has its ends. */
  followView() {
    const [start, end] = this.ends.map(({ point }) => this.map.toFractions(point).map(percent));
    this.line.toggleAttribute("hidden", !end);
    if (!end) return;
    [["x1", start[0]], ["y1", start[1]], ["x2", end[0]], ["y2", end[1]]].forEach(([name, at]) =>
      this.line.setAttribute(name, at),
    );
  }

  points() {
    const [{ point: a }, { point: b }] = this.ends;
    return Array.from({ length: this.steps }, (_, n) => between(a, b, n / (this.steps - 1)));
  }

  // --- the picture ---

  /** Hand out the strip as a file. */
  save() {
    this.picture().toBlob((blob) => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = "walk.png";
      link.click();
      URL.revokeObjectURL(link.href);
    });
  }

  /** The strip in black on white, whatever the colours of the page, and large enough to print. */
  picture() {
    const strip = document.createElement("canvas");
    strip.width = STRIP_SCALE * this.steps * SIDE;
    strip.height = STRIP_SCALE * SIDE;
    const context = strip.getContext("2d");
    context.fillStyle = "white";
    context.fillRect(0, 0, strip.width, strip.height);
    this.points().forEach((point, n) => {
      this.map.latentMap.decode(point).forEach((ink, i) => {
        const [row, column] = [Math.floor(i / SIDE), n * SIDE + (i % SIDE)];
        context.fillStyle = `rgb(0 0 0 / ${clip(ink, 0, 1)})`;
        context.fillRect(STRIP_SCALE * column, STRIP_SCALE * row, STRIP_SCALE, STRIP_SCALE);
      });
    });
    return strip;
  }
}
