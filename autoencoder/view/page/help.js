"use strict";

/** The list of keys and gestures, with the switch for keys of one character. */
class Help {
  constructor() {
    this.dialog = byId("help");
    this.characters = byId("characters");
    byId("help-switch").addEventListener("click", () => this.show());
    byId("help-close").addEventListener("click", () => this.close());
    // Text may be selected from inside to outside: only a whole click on the backdrop closes.
    this.dialog.addEventListener("pointerdown", (event) => {
      this.pressedOutside = this.isOutside(event);
    });
    this.dialog.addEventListener("click", (event) => {
      if (this.pressedOutside && this.isOutside(event)) this.close();
    });
  }

  get isOpen() {
    return this.dialog.open;
  }

  /** Whether keys of one character do something; who speaks to the computer may turn them off. */
  get charactersAct() {
    return this.characters.checked;
  }

  set charactersAct(on) {
    this.characters.checked = on;
  }

  show() {
    this.dialog.showModal();
  }

  close() {
    this.dialog.close();
  }

  isOutside({ target, clientX, clientY }) {
    const { left, right, top, bottom } = this.dialog.getBoundingClientRect();
    const inside = clientX >= left && clientX <= right && clientY >= top && clientY <= bottom;
    return target === this.dialog && !inside;
  }
}
