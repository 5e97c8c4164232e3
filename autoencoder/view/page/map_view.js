"use strict";

const ENCLOSED = [0.25, 0.5, 0.75]; // shares of a digit's codes within its contours

/** The map: axes, dots and densities on a canvas, and the markers that move above them. */
class MapView {
  constructor(digits) {
    this.digits = digits;
    this.limits = digits.limits;
    this.axesShown = true;
    this.densityShown = false;
    this.element = byId("map");
    this.context = byId("dots").getContext("2d");
    this.pointMarker = byId("point");
    this.nearestMarker = byId("ring");
    this.bestMarker = byId("cross");
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
    if (width !== this.width || height !== this.height) this.draw();
  }

  showAxes(shown) {
    this.axesShown = shown;
    this.draw();
  }

  showDensity(shown) {
    this.densityShown = shown;
    this.draw();
  }

  // --- points and the map ---

  /** A point as fractions of the map, from its top left. */
  toFractions([x, y]) {
    const [[left, right], [bottom, top]] = this.limits;
    return [(x - left) / (right - left), (top - y) / (top - bottom)];
  }

  /** The point under the pointer; where that is beyond the map, the point at the map's edge. */
  pointUnder({ clientX, clientY }) {
    const box = this.element.getBoundingClientRect();
    const across = clip((clientX - box.left) / box.width, 0, 1);
    const down = clip((clientY - box.top) / box.height, 0, 1);
    const [[left, right], [bottom, top]] = this.limits;
    return [left + across * (right - left), top + down * (bottom - top)];
  }

  /** Move the red point, and the ring around the digit that is nearest to it, if there is one. */
  mark(point, nearest) {
    this.moveMarker(this.pointMarker, point);
    this.moveMarker(this.nearestMarker, nearest);
  }

  /** Lay a cross on the best point of the digit taken in, or take it away. */
  markBest(point) {
    this.moveMarker(this.bestMarker, point);
  }

  moveMarker(marker, point) {
    marker.toggleAttribute("hidden", !point);
    if (!point) return;
    const [across, down] = this.toFractions(point);
    marker.style.left = percent(across);
    marker.style.top = percent(down);
  }

  // --- the canvas, which a move of the point leaves as it is ---

  draw() {
    const { context } = this;
    const { width, height } = context.canvas.getBoundingClientRect();
    this.width = width;
    this.height = height;
    context.canvas.width = Math.round(width * devicePixelRatio);
    context.canvas.height = Math.round(height * devicePixelRatio);
    context.scale(devicePixelRatio, devicePixelRatio);
    const style = getComputedStyle(document.documentElement);
    const colours = this.digits.visible.map((_, digit) => style.getPropertyValue(`--digit-${digit}`));
    if (this.axesShown) this.drawAxes(style);
    this.drawDots(colours);
    if (this.densityShown) this.drawDensities(colours);
  }

  drawAxes(style) {
    const { context, width, height } = this;
    const size = 0.75 * parseFloat(style.fontSize);
    context.font = `${size}px ${style.fontFamily}`;
    context.fillStyle = style.getPropertyValue("--soft");
    const spacing = width < 25 * size ? 0.5 : 0.25;
    for (let tick = -1; tick <= 1; tick += spacing) {
      const [across, down] = this.toFractions([tick, tick]);
      const [x, y] = [across * width, down * height];
      const name = this.language.writeTick(tick);
      context.strokeStyle = style.getPropertyValue(tick === 0 ? "--axis" : "--line");
      strokeLine(context, [x, 0], [x, height]);
      strokeLine(context, [0, y], [width, y]);
      // A name is left out where it would meet one of the other axis, or be cut off.
      if (across > 0.08 && across < 0.95) {
        context.fillText(name, x + 0.3 * size, height - 0.5 * size);
      }
      if (down > 0.05 && down < 0.92) context.fillText(name, 0.5 * size, y - 0.3 * size);
    }
  }

  drawDots(colours) {
    const { context, width, height } = this;
    const radius = clip(width / 330, 1.3, 5);
    context.globalAlpha = this.densityShown ? 0.3 : 0.6;
    this.digits.labels.forEach((label, index) => {
      if (!this.digits.visible[label]) return;
      const [across, down] = this.toFractions(this.digits.latent(index));
      context.fillStyle = colours[label];
      context.beginPath();
      context.arc(across * width, down * height, radius, 0, 2 * Math.PI);
      context.fill();
    });
    context.globalAlpha = 1;
  }

  drawDensities(colours) {
    const { context, width, height } = this;
    this.densities ??= this.digits.visible.map((_, digit) =>
      estimateDensity(this.fractionsOf(digit), ENCLOSED),
    );
    const toPixels = new DOMMatrix([width, 0, 0, height, 0, 0]);
    context.lineWidth = clip(width / 400, 1.25, 4);
    this.densities.forEach(({ contours, shade }, digit) => {
      if (!this.digits.visible[digit]) return;
      context.globalAlpha = 0.35;
      context.drawImage(tint(shade, colours[digit]), 0, 0, width, height);
      context.globalAlpha = 1;
      context.strokeStyle = colours[digit];
      for (const contour of contours) {
        const path = new Path2D();
        path.addPath(contour, toPixels);
        context.stroke(path);
      }
    });
  }

  /** The codes of a digit, as fractions of the map. */
  fractionsOf(digit) {
    const { labels } = this.digits;
    const indices = [...labels.keys()].filter((index) => labels[index] === digit);
    return indices.map((index) => this.toFractions(this.digits.latent(index)));
  }
}

function strokeLine(context, start, end) {
  context.beginPath();
  context.moveTo(...start);
  context.lineTo(...end);
  context.stroke();
}
