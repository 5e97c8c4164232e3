"use strict";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };

const ZOOM = 1.5; // of a key or a button

/** The keys, and the buttons that do what keys do. */
class Keys {
  constructor(explorer, nudge) {
    this.explorer = explorer;
    this.step = nudge; // how far an arrow moves the point
    this.help = new Help();
    document.addEventListener("keydown", (event) => this.onKey(event));
    for (const button of document.querySelectorAll("#nudges button")) {
      button.addEventListener("click", () => this.nudge(ARROWS[button.value], 1));
    }
    byId("zoom-in").addEventListener("click", () => explorer.zoom(ZOOM));
    byId("zoom-out").addEventListener("click", () => explorer.zoom(1 / ZOOM));
    byId("centre").addEventListener("click", () => explorer.goBack());
    byId("walk-switch").addEventListener("click", () => explorer.markWalk());
    byId("clear").addEventListener("click", () => explorer.clear());
    byId("another").addEventListener("click", () => explorer.takeInAnother());
    byId("language").addEventListener("click", () => explorer.speak(explorer.language.other()));
  }

  onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || byId("link").open) return;
    const action = event.key in ARROWS ? this.arrow(event) : this.character(event);
    if (!action) return;
    event.preventDefault();
    action();
  }

  /** What an arrow does; in the list of keys, it scrolls. */
  arrow({ key, shiftKey }) {
    return this.help.isOpen ? null : () => this.nudge(ARROWS[key], shiftKey ? 10 : 1);
  }

  nudge([right, up], steps) {
    const [x, y] = this.explorer.point;
    const step = steps * this.step;
    this.explorer.stopAndMoveTo([x + step * right, y + step * up]);
  }

  /** What a character does; it closes the list of keys, and does so once while it is held. */
  character(event) {
    const action = this.actionOf(event);
    if (!action || event.repeat || !this.help.charactersAct) return null;
    const helpWasOpen = this.help.isOpen;
    return () => {
      this.help.close();
      action(helpWasOpen);
    };
  }

  actionOf(event) {
    const { explorer } = this;
    const actions = {
      g: () => explorer.gridSwitch.toggle(),
      d: () => explorer.densitySwitch.toggle(),
      t: () => explorer.tour.switch.toggle(),
      p: () => explorer.pcaSwitch.toggle(),
      w: () => explorer.markWalk(),
      c: () => explorer.clear(),
      n: () => explorer.takeInAnother(),
      r: () => explorer.goBack(),
      "+": () => explorer.zoom(ZOOM),
      "=": () => explorer.zoom(ZOOM), // the same key, on many keyboards
      "-": () => explorer.zoom(1 / ZOOM),
      h: (helpWasOpen) => helpWasOpen || this.help.show(),
    };
    if (event.key.length > 1) return null;
    // The key's code and not its character: on a French keyboard, numbers need shift.
    const number = /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1];
    const jump = number && (() => explorer.jumpTo(Number(number)));
    return actions[event.key.toLowerCase()] ?? jump;
  }
}
