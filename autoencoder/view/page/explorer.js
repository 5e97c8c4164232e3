"use strict";

/** The digit that goes in, the point, the digit that comes out, and the parts that show them. */
class Explorer {
  constructor(network, digits, facts) {
    this.maps = { network, pca: null };
    this.digits = digits;
    this.facts = facts;
    this.point = facts.point;
    this.message = "";
    this.canvas = byId("digit");
    this.map = new MapView(network, facts.secondsAGlide, () => this.onView());
    this.grid = new DecodedGrid(this.map, facts.grid);
    this.walk = new Walk(this.map, facts.walk);
    this.legend = new Legend(
      digits,
      () => this.onLegend(),
      (digit) => this.jumpTo(digit),
    );
    this.digitIn = new DigitIn(this.map, facts, () => this.onDigitIn());
    this.comparison = new Comparison(this.maps, this.digitIn);
    this.neighbours = new Neighbours(digits, facts.neighbours, (index) => this.takeIn(index));
    this.caption = new Caption(digits);
    this.gridSwitch = new Switch(byId("grid-switch"), (on) => this.showGrid(on));
    this.densitySwitch = new Switch(byId("density-switch"), (on) => this.showDensity(on));
    this.pcaSwitch = new Switch(byId("pca-switch"), (on) => this.showMap(on ? "pca" : "network"));
    this.tour = new Tour(this, facts.secondsALeg);
    this.gestures = new Gestures(this);
    this.keys = new Keys(this, facts.nudge);
    if (facts.digitIn) this.digitIn.takePicture(facts.digitIn);
  }

  /** The map that is shown: the network's, or the one without a network. */
  get latentMap() {
    return this.map.latentMap;
  }

  /** Take up what is read last, the map without a network; the pixels of the digits are here too. */
  complete(pca) {
    this.maps.pca = pca;
    this.neighbours.forget();
    byId("pca-switch").disabled = byId("copy-link").disabled = false;
    this.requestPaint();
    this.address = new Address(this);
    linkExamples(this.maps.network, this.address.initial);
    this.address.obey();
  }

  // --- the point ---

  /** Move the point, at most to the edge of the map, away from any digit in. */
  moveTo(point) {
    this.point = this.latentMap.clip(point);
    this.clear();
  }

  stopAndMoveTo(point) {
    this.tour.stop();
    this.moveTo(point);
  }

  jumpTo(digit) {
    const point = this.latentMap.densestPoints[digit];
    if (point) this.stopAndMoveTo(point);
    else this.say(this.language.texts.absent(digit));
  }

  /** Bring the point back to the centre, and all of the map into view. */
  goBack() {
    this.stopAndMoveTo([0, 0]);
    this.map.changeView((viewport) => viewport.reset());
  }

  /** Zoom around the point, where it is in view. */
  zoom(factor) {
    this.map.changeView((viewport) => {
      viewport.zoomAt(viewport.contains(this.point) ? this.point : viewport.centre, factor);
    });
  }

  // --- digits in ---

  /** Take a real digit in: the point moves to its code. */
  takeIn(index) {
    if (!this.digits.complete) return;
    this.tour.stop();
    this.moveTo(this.latentMap.latent(index));
    this.digitIn.takeIn(index);
  }

  takeInNearest(point) {
    const [nearest] = this.latentMap.nearest(point, 1);
    if (nearest !== undefined) this.takeIn(nearest);
  }

  /** Take in any of the digits that the legend does not hide. */
  takeInAnother() {
    const shown = this.digits.shown();
    if (shown.length) this.takeIn(shown[Math.floor(Math.random() * shown.length)]);
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

  // --- what is shown ---

  /** Digits were hidden or shown. */
  onLegend() {
    this.message = "";
    this.map.draw();
    this.requestPaint();
  }

  /** Show a part of the map, be the point in it or not. */
  showView(zoom, centre) {
    this.painted = this.point;
    this.map.changeView((viewport) => viewport.show(zoom, centre));
  }

  onView() {
    this.grid.follow();
    this.walk.followView();
    this.address?.schedule();
  }

  /** Lay the grid under the dots, in place of the axes, or take it away. */
  showGrid(shown) {
    this.grid.show(shown);
    this.map.showAxes(!shown);
    this.address?.schedule();
  }

  showDensity(shown) {
    this.map.showDensity(shown);
    this.address?.schedule();
  }

  /** Show another map; the point stays, unless it is the code of a digit that is in. */
  showMap(name) {
    const latentMap = this.maps[name];
    const { real } = this.digitIn;
    this.tour.stop();
    this.grid.forget();
    this.map.showMap(latentMap);
    this.walk.showMap(latentMap);
    this.digitIn.forget();
    this.point = real === null ? latentMap.clip(this.point) : latentMap.latent(real);
    this.say(this.language.texts.mapNames[name]);
  }

  markWalk() {
    this.tour.stop();
    this.walk.mark(this.point, this.digitIn.real);
    this.say(this.walk.ends.length === 1 ? this.language.texts.isA : "");
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
    const { latentMap } = this;
    this.point = this.digitIn.search() ?? this.point;
    if (this.point !== this.painted) this.map.changeView((viewport) => viewport.reveal(this.point));
    this.painted = this.point;
    const decoded = latentMap.decode(this.point);
    paintDigit(this.canvas, decoded);
    const news = this.digitIn.show(decoded);
    const nearest = latentMap.nearest(this.point, this.facts.neighbours);
    const isFar = nearest.length > 0 && latentMap.isFar(this.point, nearest[0]);
    this.map.mark(byId("point"), this.point);
    this.map.mark(byId("ring"), nearest.length ? latentMap.latent(nearest[0]) : null);
    this.neighbours.show(nearest);
    this.caption.show(this.point, nearest, isFar, this.message, news);
    this.comparison.show(latentMap);
    this.address?.schedule();
  }

  speak(language) {
    this.language = language;
    this.message = "";
    language.translatePage();
    const { map, walk, legend, digitIn, comparison, neighbours, caption } = this;
    for (const part of [map, walk, legend, digitIn, comparison, neighbours, caption]) {
      part.translate(language);
    }
    byId("network").textContent = language.describeNetwork(this.facts);
    this.paint();
  }
}
