"use strict";

/** The digit that goes in, drawn or real, or none; and how well it comes out. */
class DigitIn {
  constructor(map, { crossDistance, brush }, onChange) {
    this.map = map;
    this.crossDistance = crossDistance;
    this.brush = brush;
    this.onChange = onChange;
    this.sketch = new Sketch(byId("sketch"), () => this.onDraw());
    this.hold(null, null);
    this.latentMap.finder.whenComplete.then(() => this.onComplete());
  }

  translate(language) {
    this.language = language;
  }

  get latentMap() {
    return this.map.latentMap;
  }

  takeIn(index) {
    this.hold(this.latentMap.digits.pixels(index), index);
    this.sketch.show(this.pixels);
  }

  /** Take in a picture that came with the page. */
  takePicture(bytes) {
    this.hold(Float32Array.from(bytes, (byte) => byte / 255), null);
    this.sketch.show(this.pixels);
  }

  clear() {
    if (!this.pixels) return;
    this.hold(null, null);
    this.sketch.show(null);
  }

  onDraw() {
    this.hold(drawStrokes(this.sketch.strokes, this.brush), null);
    this.onChange();
  }

  hold(pixels, real) {
    this.pixels = pixels; // 784 in [0, 1], or null
    this.real = real; // the index of a real digit, or null
    this.best = null; // the best point, when it is found
  }

  /** Forget the best point, which is another one on another map. */
  forget() {
    this.best = null;
  }

  /** Search for a drawing once more when the lookup knows all of the map. */
  onComplete() {
    this.forget();
    if (this.pixels) this.onChange();
  }

  /** The point of a drawing; null where the point is to stay as it is. */
  search() {
    const { pixels } = this;
    const { finder } = this.latentMap;
    if (!pixels || this.best || (this.isReal && !finder.complete)) return null;
    this.best = this.isReal
      ? finder.find(pixels, this.latentMap.latent(this.real))
      : this.latentMap.clip(finder.find(pixels));
    return this.isReal ? null : this.best;
  }

  get isReal() {
    return this.real !== null;
  }

  /** Show the digit and how far the decoded one is from it; return that in words. */
  show(decoded) {
    const { texts } = this.language;
    this.sketch.paint();
    byId("invitation").hidden = this.pixels !== null;
    const name = this.isReal ? texts.real(this.latentMap.digits.labels[this.real]) : texts.drawing;
    const comparison = this.pixels ? this.compare(decoded) : "";
    byId("sketch").setAttribute("aria-label", this.pixels ? texts.panel(name) : texts.emptyPanel);
    byId("error").textContent = comparison;
    this.map.mark(byId("cross"), this.isMissed() ? this.best : null);
    return this.pixels ? texts.goesIn(name, comparison) : "";
  }

  compare(decoded) {
    const error = meanSquaredError(this.pixels, decoded);
    // How many of the 0th to the 100th percentile are smaller.
    const rank = this.latentMap.errorPercentiles.filter((percentile) => percentile < error).length;
    const { texts } = this.language;
    const written = this.language.writeError(error);
    return rank > 50 ? texts.worse(written, rank - 1) : texts.better(written, 100 - rank);
  }

  /** Whether the encoder put a real digit elsewhere than at its best point. */
  isMissed() {
    if (!this.isReal || !this.best) return false;
    const [x, y] = this.latentMap.latent(this.real);
    return Math.hypot(this.best[0] - x, this.best[1] - y) > this.crossDistance;
  }
}
