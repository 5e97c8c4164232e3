"use strict";

const QUIET_MS = 600; // without a move, before the digit is announced
const ENCLOSED = [0.25, 0.5, 0.75]; // shares of a digit's codes within its contours
const STILL = matchMedia("(prefers-reduced-motion: reduce)");
const DARK = matchMedia("(prefers-color-scheme: dark)");
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };

const byId = (id) => document.getElementById(id);
const clip = (value, low, high) => Math.min(Math.max(value, low), high);

/** White on black; the style sheet inverts it where the page is light. */
function paintDigit(context, pixels, left = 0, top = 0) {
  const image = context.createImageData(SIDE, SIDE);
  image.data.fill(255);
  for (let i = 0; i < PIXELS; i++) image.data.fill(Math.round(255 * pixels[i]), 4 * i, 4 * i + 3);
  context.putImageData(image, left, top);
}

/** The map, a point on it, and the digit it decodes to; the help dialog lists the gestures. */
class Explorer {
  constructor(decoder, digits, facts) {
    this.decoder = decoder;
    this.digits = digits;
    this.facts = facts;
    this.point = facts.point;
    this.visible = Array(10).fill(true);
    this.message = "";
    this.dots = byId("dots").getContext("2d");
    this.digit = byId("digit").getContext("2d");
    this.buildLegend();
    this.buildNeighbours();
    this.listen();
  }

  /** A place as fractions of the map, from its top left. */
  onMap([x, y]) {
    const [[left, right], [bottom, top]] = this.facts.limits;
    return [(x - left) / (right - left), (top - y) / (top - bottom)];
  }

  buildLegend() {
    this.legend = this.visible.map((_, digit) => {
      const entry = document.createElement("button");
      entry.type = "button";
      entry.setAttribute("aria-pressed", true);
      showLabel(entry, digit);
      entry.addEventListener("click", () => this.toggleDigit(digit));
      return entry;
    });
    byId("legend").append(...this.legend);
  }

  buildNeighbours() {
    const count = Math.min(this.facts.neighbours, this.digits.labels.length);
    this.neighbours = Array.from({ length: count }, () => {
      const item = document.createElement("li");
      const canvas = document.createElement("canvas");
      const label = document.createElement("span");
      canvas.className = "digit";
      canvas.width = canvas.height = SIDE;
      canvas.setAttribute("role", "img");
      item.append(canvas, label);
      return { item, canvas, label, index: -1 };
    });
    byId("neighbours").append(...this.neighbours.map(({ item }) => item));
  }

  // --- what is shown ---

  moveTo([x, y]) {
    this.point = [clip(x, -1, 1), clip(y, -1, 1)];
    this.message = "";
    this.requestPaint();
  }

  /** Paint before the next frame; the newest of several moves wins. */
  requestPaint() {
    this.paintRequest ??= requestAnimationFrame(() => this.paint());
  }

  /** Decode the point and show the digit and its neighbours. */
  paint() {
    this.paintRequest = null;
    paintDigit(this.digit, this.decoder.decode(...this.point));
    const nearest = this.digits.nearest(...this.point, this.neighbours.length);
    nearest.forEach((index, rank) => this.showNeighbour(this.neighbours[rank], index));
    this.labels = nearest.map((index) => this.digits.labels[index]);
    place(byId("point"), this.onMap(this.point));
    place(byId("ring"), this.onMap(this.digits.latents.subarray(2 * nearest[0], 2 * nearest[0] + 2)));
    byId("coordinates").textContent = this.coordinates();
    showLabel(byId("nearest"), this.labels[0]);
    byId("caption").textContent = this.description();
    clearTimeout(this.announcing);
    this.announcing = setTimeout(() => this.announce(), QUIET_MS);
  }

  showNeighbour(neighbour, index) {
    if (neighbour.index === index) return;
    neighbour.index = index;
    const label = this.digits.labels[index];
    paintDigit(neighbour.canvas.getContext("2d"), this.digits.pixels(index));
    neighbour.canvas.setAttribute("aria-label", this.texts.neighbour(label));
    showLabel(neighbour.label, label);
  }

  coordinates() {
    const numbers = this.point.map((value) => this.numbers.format(value).replace("-", "−"));
    return numbers.join(this.language === "fr" ? "\u00a0; " : ", ");
  }

  /** What the digit looks like, judged by the real digits around it. */
  description() {
    if (this.message) return this.message;
    const votes = (digit) => this.labels.filter((label) => label === digit).length;
    const ranking = [...new Set(this.labels)].sort((one, other) => votes(other) - votes(one));
    const [first, second] = ranking;
    return votes(second) > 1 ? this.texts.between(first, second) : this.texts.like(first);
  }

  announce() {
    byId("announcement").textContent =
      this.message || this.texts.announcement(this.coordinates(), this.description());
  }

  say(message) {
    this.message = message;
    this.requestPaint();
  }

  setLanguage(language) {
    translate(language);
    this.language = language;
    this.texts = TEXTS[language];
    this.numbers = new Intl.NumberFormat(language, {
      minimumFractionDigits: 3,
      maximumFractionDigits: 3,
      signDisplay: "always",
    });
    this.legend.forEach((entry, digit) => {
      entry.setAttribute("aria-label", this.texts.legendEntry(digit));
    });
    for (const neighbour of this.neighbours) neighbour.index = -1;
    this.message = "";
    byId("network").textContent = this.nameNetwork();
    this.drawMap();
    this.paint();
  }

  nameNetwork() {
    const { network, epoch, loss } = this.facts;
    const format = new Intl.NumberFormat(this.language, { maximumSignificantDigits: 4 });
    const known = [epoch, loss].map((n) => (n === null ? this.texts.unknown : format.format(n)));
    return this.texts.network(network, ...known);
  }

  // --- the map ---

  /** Draw the dots anew; a move of the point leaves them as they are. */
  drawMap() {
    const { canvas } = this.dots;
    const { width, height } = canvas.getBoundingClientRect();
    canvas.width = Math.round(width * devicePixelRatio);
    canvas.height = Math.round(height * devicePixelRatio);
    this.dots.scale(devicePixelRatio, devicePixelRatio);
    const style = getComputedStyle(document.documentElement);
    const colours = this.visible.map((_, digit) => style.getPropertyValue(`--digit-${digit}`));
    if (!isOn("grid-switch")) this.drawAxes(width, height, style);
    this.drawDots(width, height, colours);
    if (isOn("density-switch")) this.drawDensities(width, height, colours);
  }

  drawAxes(width, height, style) {
    const { dots } = this;
    const size = 0.75 * parseFloat(style.fontSize);
    dots.font = `${size}px ${style.fontFamily}`;
    dots.fillStyle = style.getPropertyValue("--soft");
    const spacing = width < 25 * size ? 0.5 : 0.25;
    for (let tick = -1; tick <= 1; tick += spacing) {
      const [x, y] = this.onMap([tick, tick]);
      const name = tick.toLocaleString(this.language).replace("-", "−");
      dots.strokeStyle = style.getPropertyValue(tick === 0 ? "--axis" : "--line");
      strokeLine(dots, [x * width, 0], [x * width, height]);
      strokeLine(dots, [0, y * height], [width, y * height]);
      // Not where names of the two axes would meet, or one would be cut off.
      if (x > 0.08 && x < 0.95) dots.fillText(name, x * width + 0.3 * size, height - 0.5 * size);
      if (y > 0.05 && y < 0.92) dots.fillText(name, 0.5 * size, y * height - 0.3 * size);
    }
  }

  drawDots(width, height, colours) {
    const { latents, labels } = this.digits;
    const radius = clip(width / 330, 1.3, 5);
    this.dots.globalAlpha = isOn("density-switch") ? 0.3 : 0.6;
    labels.forEach((label, i) => {
      if (!this.visible[label]) return;
      const [x, y] = this.onMap(latents.subarray(2 * i, 2 * i + 2));
      this.dots.fillStyle = colours[label];
      this.dots.beginPath();
      this.dots.arc(x * width, y * height, radius, 0, 2 * Math.PI);
      this.dots.fill();
    });
    this.dots.globalAlpha = 1;
  }

  drawDensities(width, height, colours) {
    this.densities ??= this.visible.map((_, digit) =>
      estimateDensity(this.placesOf(digit), ENCLOSED),
    );
    const toMap = new DOMMatrix([width, 0, 0, height, 0, 0]);
    this.dots.lineWidth = clip(width / 400, 1.25, 4);
    this.densities.forEach(({ contours, shade }, digit) => {
      if (!this.visible[digit]) return;
      this.dots.globalAlpha = 0.35;
      this.dots.drawImage(tint(shade, colours[digit]), 0, 0, width, height);
      this.dots.globalAlpha = 1;
      this.dots.strokeStyle = colours[digit];
      for (const contour of contours) {
        const path = new Path2D();
        path.addPath(contour, toMap);
        this.dots.stroke(path);
      }
    });
  }

  /** Where the codes of a digit are, as fractions of the map. */
  placesOf(digit) {
    const { latents, labels } = this.digits;
    const indices = [...labels.keys()].filter((i) => labels[i] === digit);
    return indices.map((i) => this.onMap(latents.subarray(2 * i, 2 * i + 2)));
  }

  toggleDigit(digit) {
    this.visible[digit] = !this.visible[digit];
    this.legend[digit].setAttribute("aria-pressed", this.visible[digit]);
    this.drawMap();
  }

  toggleDensity() {
    toggle("density-switch");
    this.drawMap();
  }

  toggleGrid() {
    byId("grid").hidden = !toggle("grid-switch");
    if (this.gridRows === undefined) this.buildGrid();
    this.drawMap();
  }

  /** Lay decoded digits over all of the map that is in the latent space. */
  buildGrid() {
    const grid = byId("grid");
    grid.width = grid.height = this.facts.grid * SIDE;
    const [[left, right], [bottom, top]] = this.facts.limits.map((ends) => ends.map((n) => clip(n, -1, 1)));
    const [x, y] = this.onMap([left, top]);
    const [xEnd, yEnd] = this.onMap([right, bottom]);
    Object.assign(grid.style, {
      left: percent(x),
      top: percent(y),
      width: percent(xEnd - x),
      height: percent(yEnd - y),
    });
    this.gridRows = 0;
    this.addGridRow(left, right, bottom, top);
  }

  /** A row a frame: all of them at once would make the page stutter. */
  addGridRow(left, right, bottom, top) {
    const context = byId("grid").getContext("2d");
    const y = top + ((this.gridRows + 0.5) / this.facts.grid) * (bottom - top);
    for (let column = 0; column < this.facts.grid; column++) {
      const x = left + ((column + 0.5) / this.facts.grid) * (right - left);
      paintDigit(context, this.decoder.decode(x, y), column * SIDE, this.gridRows * SIDE);
    }
    this.gridRows += 1;
    if (this.gridRows < this.facts.grid) {
      requestAnimationFrame(() => this.addGridRow(left, right, bottom, top));
    }
  }

  // --- the mouse, a finger, the keys ---

  listen() {
    const map = byId("map");
    map.addEventListener("pointerdown", (event) => this.onPress(event));
    map.addEventListener("pointermove", (event) => this.onMove(event));
    byId("grid-switch").addEventListener("click", () => this.toggleGrid());
    byId("density-switch").addEventListener("click", () => this.toggleDensity());
    byId("tour-switch").addEventListener("click", () => this.toggleTour());
    byId("centre").addEventListener("click", () => this.stopAndMoveTo([0, 0]));
    byId("help-switch").addEventListener("click", () => byId("help").showModal());
    byId("help").addEventListener("click", () => byId("help").close());
    byId("language").addEventListener("click", () => {
      this.setLanguage(this.language === "en" ? "fr" : "en");
    });
    document.addEventListener("keydown", (event) => this.onKey(event));
    new ResizeObserver(() => this.drawMap()).observe(map);
    DARK.addEventListener("change", () => this.drawMap());
  }

  onPress(event) {
    if (event.button !== 0 || !event.isPrimary) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    this.stopTour();
    this.onMove(event);
  }

  onMove(event) {
    const map = event.currentTarget;
    if (!map.hasPointerCapture(event.pointerId)) return;
    const box = map.getBoundingClientRect();
    const x = clip((event.clientX - box.left) / box.width, 0, 1);
    const y = clip((event.clientY - box.top) / box.height, 0, 1);
    const [[left, right], [bottom, top]] = this.facts.limits;
    this.moveTo([left + x * (right - left), top + y * (bottom - top)]);
  }

  onKey(event) {
    const action = this.actionOf(event);
    if (!action || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const helpWasOpen = byId("help").open;
    byId("help").close();
    action(helpWasOpen);
  }

  actionOf(event) {
    if (event.key in ARROWS) {
      const step = this.facts.nudge * (event.shiftKey ? 10 : 1);
      const [x, y] = ARROWS[event.key];
      return () => this.stopAndMoveTo([this.point[0] + step * x, this.point[1] + step * y]);
    }
    // By its place on the keyboard: on a French one, the numbers need shift.
    const number = /^(?:Digit|Numpad)(\d)$/.exec(event.code);
    if (number) return () => this.jumpTo(Number(number[1]));
    const actions = {
      g: () => this.toggleGrid(),
      d: () => this.toggleDensity(),
      t: () => this.toggleTour(),
      r: () => this.stopAndMoveTo([0, 0]),
      h: (helpWasOpen) => helpWasOpen || byId("help").showModal(),
    };
    return actions[event.key];
  }

  stopAndMoveTo(point) {
    this.stopTour();
    this.moveTo(point);
  }

  jumpTo(digit) {
    const place = this.facts.densestPoints[digit];
    if (place) this.stopAndMoveTo(place);
    else this.say(this.texts.absent(digit));
  }

  // --- the tour ---

  /** Start or stop morphing through the densest places of the digits. */
  toggleTour() {
    if (!toggle("tour-switch")) {
      this.stopTour();
      return;
    }
    this.stops = [this.point, ...this.facts.densestPoints.filter((place) => place)];
    this.tourBegan = performance.now();
    this.leg = 0;
    this.onTour();
  }

  stopTour() {
    setOn("tour-switch", false);
    cancelAnimationFrame(this.tourFrame);
  }

  /** Move to where the tour is by now: from where it began to each stop in turn, for ever. */
  onTour() {
    const legs = (performance.now() - this.tourBegan) / 1000 / this.facts.secondsALeg;
    const leg = Math.floor(legs);
    const count = this.stops.length - 1;
    const start = this.stops[leg === 0 ? 0 : 1 + ((leg - 1) % count)];
    const end = this.stops[1 + (leg % count)];
    const progress = STILL.matches ? 1 : legs - leg;
    const point = start.map((from, axis) => from + progress * (end[axis] - from));
    // A point at rest announces itself.
    if (leg > this.leg && !STILL.matches) this.announce();
    this.leg = leg;
    if (point.some((value, axis) => value !== this.point[axis])) this.moveTo(point);
    this.tourFrame = requestAnimationFrame(() => this.onTour());
  }
}

// --- small things of the page ------------------------------------------------------------------

function isOn(id) {
  return byId(id).getAttribute("aria-pressed") === "true";
}

function setOn(id, on) {
  byId(id).setAttribute("aria-pressed", on);
}

/** Turn a switch, and tell whether it is on now. */
function toggle(id) {
  setOn(id, !isOn(id));
  return isOn(id);
}

function showLabel(element, digit) {
  element.textContent = digit;
  element.style.setProperty("--digit", `var(--digit-${digit})`);
}

function place(marker, [x, y]) {
  marker.style.left = percent(x);
  marker.style.top = percent(y);
}

function percent(fraction) {
  return `${100 * fraction}%`;
}

function strokeLine(context, start, end) {
  context.beginPath();
  context.moveTo(...start);
  context.lineTo(...end);
  context.stroke();
}

/** A picture as opaque as an image, all in one colour. */
function tint(image, colour) {
  const canvas = document.createElement("canvas");
  canvas.width = image.width;
  canvas.height = image.height;
  const context = canvas.getContext("2d");
  context.putImageData(image, 0, 0);
  context.globalCompositeOperation = "source-in";
  context.fillStyle = colour;
  context.fillRect(0, 0, image.width, image.height);
  return canvas;
}

function translate(language) {
  const texts = TEXTS[language];
  document.documentElement.lang = language;
  document.title = texts.title;
  for (const element of document.querySelectorAll("[data-text]")) {
    element.textContent = texts[element.dataset.text];
  }
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", texts[element.dataset.label]);
  }
  byId("language").textContent = texts.otherLanguage;
  byId("language").lang = language === "en" ? "fr" : "en";
}

function complain(message) {
  byId("problem").textContent = message;
  byId("problem").hidden = false;
}

let explorer;

async function start() {
  const language = navigator.language.startsWith("fr") ? "fr" : "en";
  translate(language);
  if (!("DecompressionStream" in window)) {
    complain(TEXTS[language].tooOld);
    return;
  }
  try {
    const facts = JSON.parse(byId("facts").textContent);
    const reader = await unpack(byId("numbers").textContent);
    explorer = new Explorer(new Decoder(reader, facts), new Digits(reader, facts), facts);
  } catch (error) {
    complain(TEXTS[language].damaged);
    throw error;
  }
  byId("explorer").hidden = byId("language").hidden = false;
  explorer.setLanguage(language);
}

start();
