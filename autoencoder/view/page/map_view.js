"use strict";

/** The map: axes, dots and densities on a canvas, and the markers that move above them. */
class MapView {
  constructor(latentMap, secondsAGlide, onView) {
    this.latentMap = latentMap;
    this.onView = onView;
    this.viewport = new Viewport(latentMap.limits);
    this.axesShown = true;
    this.densityShown = false;
    this.element = byId("map");
    this.context = byId("dots").getContext("2d");
    this.places = new Map(); // of the markers, in latent coordinates
    this.dots = new Dots(latentMap.digits, secondsAGlide, () => this.draw());
    this.dots.put(latentMap, this.viewport);
    new ResizeObserver(() => this.onResize()).observe(this.element);
    DARK.addEventListener("change", () => this.draw());
  }

  translate(language) {
    this.language = language;
    this.draw();
  }

  /** Draw anew; an observer calls when it begins to observe, too. */
  onResize() {
    const { width, height } = this.context.canvas.getBoundingClientRect();
    if (width !== this.size?.width || height !== this.size?.height) this.draw();
  }

  /** Show another map of the same digits, all of it. */
  showMap(latentMap) {
    this.latentMap = latentMap;
    this.viewport = new Viewport(latentMap.limits);
    this.dots.glide(latentMap, this.viewport);
    this.followView();
  }

  showAxes(shown) {
    this.axesShown = shown;
    this.draw();
  }

  showDensity(shown) {
    this.densityShown = shown;
    this.draw();
  }

  // --- the view ---

  changeView(change) {
    const { zoom, ends } = this.viewport;
    change(this.viewport);
    if (zoom === this.viewport.zoom && String(ends) === String(this.viewport.ends)) return;
    this.dots.put(this.latentMap, this.viewport);
    this.followView();
  }

  followView() {
    for (const marker of this.places.keys()) this.placeMarker(marker);
    this.requestDraw();
    this.onView();
  }

  // --- points and the map ---

  /** A point as fractions of what is in view of the map, from its top left. */
  toFractions(point) {
    return this.viewport.toFractions(point);
  }

  /** Where the pointer is, as fractions of the map; where that is beyond it, at the map's edge. */
  fractionsUnder({ clientX, clientY }) {
    const { left, top, width, height } = this.element.getBoundingClientRect();
    return [clip((clientX - left) / width, 0, 1), clip((clientY - top) / height, 0, 1)];
  }

  pointUnder(pointer) {
    return this.viewport.toPoint(this.fractionsUnder(pointer));
  }

  /** Lay a marker on a point, or take it away. */
  mark(marker, point) {
    marker.toggleAttribute("hidden", !point);
    if (point) this.places.set(marker, point);
    else this.places.delete(marker);
    if (point) this.placeMarker(marker);
  }

  placeMarker(marker) {
    const [across, down] = this.toFractions(this.places.get(marker));
    marker.style.left = percent(across);
    marker.style.top = percent(down);
  }

  // --- the canvas, which a move of the point leaves as it is ---

  /** Draw before the next frame, once for all that changed. */
  requestDraw() {
    this.drawRequest ??= requestAnimationFrame(() => this.draw());
  }

  draw() {
    cancelAnimationFrame(this.drawRequest);
    this.drawRequest = null;
    const { context } = this;
    const size = context.canvas.getBoundingClientRect();
    this.size = size;
    context.canvas.width = Math.round(size.width * devicePixelRatio);
    context.canvas.height = Math.round(size.height * devicePixelRatio);
    context.scale(devicePixelRatio, devicePixelRatio);
    const style = getComputedStyle(document.documentElement);
    const colours = Array.from({ length: 10 }, (_, n) => style.getPropertyValue(`--digit-${n}`));
    if (this.axesShown) drawAxes(context, size, this.viewport, this.language, style);
    this.drawDots(size, colours);
    if (this.densityShown && !this.dots.gliding) this.drawDensities(size, colours);
  }

  /** Dots grow as the map does, but less. */
  drawDots(size, colours) {
    const radius = clip(size.width / 330, 1.3, 5) * this.viewport.zoom ** 0.4;
    this.context.globalAlpha = this.densityShown ? 0.3 : 0.6;
    this.dots.draw(this.context, size, radius, colours);
    this.context.globalAlpha = 1;
  }

  drawDensities({ width, height }, colours) {
    const { context, latentMap } = this;
    // Where the whole map lies, of which a part is in view.
    const [[left], [, top]] = latentMap.limits;
    const [across, down] = this.toFractions([left, top]);
    const { zoom } = this.viewport;
    const whole = [across * width, down * height, zoom * width, zoom * height];
    const toPixels = new DOMMatrix([whole[2], 0, 0, whole[3], whole[0], whole[1]]);
    context.lineWidth = clip(width / 400, 1.25, 4);
    latentMap.densities().forEach(({ contours, shade }, digit) => {
      if (!latentMap.digits.visible[digit]) return;
      context.globalAlpha = 0.35;
      context.drawImage(tint(shade, colours[digit]), ...whole);
      context.globalAlpha = 1;
      context.strokeStyle = colours[digit];
      for (const contour of contours) {
        const path = new Path2D();
        path.addPath(contour, toPixels);
        context.stroke(path);
      }
    });
  }
}
