"use strict";

/** A tour through the points where the digits are densest, from where it began, for ever. */
class Tour {
  constructor(explorer, secondsALeg) {
    this.explorer = explorer;
    this.secondsALeg = secondsALeg;
    this.switch = new Switch(byId("tour-switch"), (on) => (on ? this.begin() : this.end()));
  }

  stop() {
    this.switch.turn(false);
  }

  begin() {
    const { point, latentMap } = this.explorer;
    this.stops = [point, ...latentMap.densestPoints.filter((stop) => stop)];
    this.began = performance.now();
    this.leg = 0;
    this.onFrame();
  }

  end() {
    cancelAnimationFrame(this.frame);
  }

  /** Move to where the tour is by now; who prefers stillness is shown one stop after the other. */
  onFrame() {
    const legs = (performance.now() - this.began) / 1000 / this.secondsALeg;
    const leg = Math.floor(legs);
    const count = this.stops.length - 1;
    const start = this.stops[leg === 0 ? 0 : 1 + ((leg - 1) % count)];
    const end = this.stops[1 + (leg % count)];
    const progress = STILL.matches ? 1 : legs - leg;
    const point = between(start, end, progress);
    // A point at rest announces itself.
    if (leg > this.leg && !STILL.matches) this.explorer.caption.announce();
    this.leg = leg;
    const { point: shown } = this.explorer;
    if (point.some((value, axis) => value !== shown[axis])) this.explorer.moveTo(point);
    this.frame = requestAnimationFrame(() => this.onFrame());
  }
}
