"use strict";

/** The digit that goes in, the point, the digit that comes out, and the parts that show them. */
class Explorer {
  constructor(decoder, digits, facts) {
    this.decoder = decoder;
    this.digits = digits;
    this.facts = facts;
    this.point = facts.point;
    this.message = "";
    this.canvas = byId("digit");
    this.map = new MapView(digits);
    this.grid = new DecodedGrid(this.map, (point) => decoder.decode(point), facts.grid);
    this.legend = new Legend((digit, on) => this.map.setVisible(digit, on));
    this.digitIn = new DigitIn(digits, decoder, this.map, facts, () => this.onDigitIn());
    this.neighbours = new Neighbours(digits, facts.neighbours, (index) => this.takeIn(index));
    this.caption = new Caption();
    this.gridSwitch = new Switch(byId("grid-switch"), (on) => this.showGrid(on));
    this.densitySwitch = new Switch(byId("density-switch"), (on) => this.map.showDensity(on));
    this.tour = new Tour(this, facts.secondsALeg);
    this.gestures = new Gestures(this, facts.nudge);
    if (facts.digitIn) this.digitIn.takePicture(facts.digitIn);
  }

  /** Move the point, at most to the edge of the latent space, [-1, 1]², away from any digit in. */
  moveTo([x, y]) {
    this.point = [clip(x, -1, 1), clip(y, -1, 1)];
    this.clear();
  }

  stopAndMoveTo(point) {
    this.tour.stop();
    this.moveTo(point);
  }

  jumpTo(digit) {
    const point = this.digits.densestPoints[digit];
    if (point) this.stopAndMoveTo(point);
    else this.say(this.language.texts.absent(digit));
  }

  // --- digits in ---

  /** Take a real digit in: the point moves to its code. */
  takeIn(index) {
    if (!this.digits.complete) return;
    this.tour.stop();
    this.moveTo(this.digits.latent(index));
    this.digitIn.takeIn(index);
  }

  takeInNearest(point) {
    this.takeIn(this.digits.nearest(point, 1)[0]);
  }

  /** Take in any of the digits that the legend does not hide. */
  takeInAnother() {
    const { labels } = this.digits;
    const shown = [...labels.keys()].filter((index) => this.map.visible[labels[index]]);
    if (shown.length) this.takeIn(shown[Math.floor(Math.random() * shown.length)]);
    else this.say(this.language.texts.noneShown);
  }

  addPixels(reader) {
    this.digits.addPixels(reader);
    this.neighbours.forget();
    this.requestPaint();
  }

  onDigitIn() {
    this.tour.stop();
    this.message = "";
    this.requestPaint();
  }

  clear() {
    this.digitIn.clear();
    this.message = "";
    this.requestPaint();
  }

  // --- painting ---

  /** Show a message in place of the caption until the point moves. */
  say(message) {
    this.message = message;
    this.requestPaint();
  }

  /** Paint before the next frame; the newest of several moves wins. */
  requestPaint() {
    this.paintRequest ??= requestAnimationFrame(() => this.paint());
  }

  /** Find the point of a drawing, decode the point and show the digit and its neighbours. */
  paint() {
    this.paintRequest = null;
    this.point = this.digitIn.search() ?? this.point;
    const decoded = this.decoder.decode(this.point);
    paintDigit(this.canvas, decoded);
    const news = this.digitIn.show(decoded);
    const nearest = this.digits.nearest(this.point, this.facts.neighbours);
    const labels = nearest.map((index) => this.digits.labels[index]);
    this.map.mark(this.point, this.digits.latent(nearest[0]));
    this.neighbours.show(nearest);
    this.caption.show(this.point, labels, this.message, news);
  }

  /** Lay the grid under the dots, in place of the axes, or take it away. */
  showGrid(shown) {
    this.grid.show(shown);
    this.map.showAxes(!shown);
  }

  speak(language) {
    this.language = language;
    this.message = "";
    language.translatePage();
    for (const part of [this.map, this.legend, this.digitIn, this.neighbours, this.caption]) {
      part.translate(language);
    }
    const { network, epoch, loss } = this.facts;
    const known = [epoch, loss].map((number) => language.writeNumber(number));
    byId("network").textContent = language.texts.network(network, ...known);
    this.paint();
  }
}

function complain(message) {
  byId("problem").textContent = message;
  byId("problem").hidden = false;
}

let explorer;

async function start() {
  const language = Language.preferred();
  language.translatePage();
  if (!("DecompressionStream" in window)) {
    complain(language.texts.tooOld);
    return;
  }
  try {
    const facts = JSON.parse(byId("facts").textContent);
    const reader = await unpack(byId("numbers"));
    await givingWay();
    explorer = new Explorer(new Decoder(reader, facts), new Digits(reader, facts), facts);
    byId("explorer").hidden = byId("language").hidden = false;
    explorer.speak(language);
    await readToTheEnd();
    explorer.addPixels(await unpack(byId("pixels")));
  } catch (error) {
    byId("explorer").hidden = true;
    complain(language.texts.damaged);
    throw error;
  }
}

/** Go on in a task of its own, the next one where the browser knows how to say that. */
function givingWay() {
  return window.scheduler?.yield?.() ?? new Promise((done) => setTimeout(done));
}

/** Wait until the browser has read all of the page. */
async function readToTheEnd() {
  if (document.readyState !== "loading") return;
  await new Promise((done) => document.addEventListener("DOMContentLoaded", done));
}

start();
