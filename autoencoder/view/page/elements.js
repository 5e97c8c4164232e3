"use strict";

const byId = (id) => document.getElementById(id);
const clip = (value, low, high) => Math.min(Math.max(value, low), high);
const percent = (fraction) => `${100 * fraction}%`;

/** A button that is on or off; `onTurn` is told which, whenever somebody turns it. */
class Switch {
  constructor(button, onTurn) {
    this.button = button;
    this.onTurn = onTurn;
    button.addEventListener("click", () => this.toggle());
  }

  get on() {
    return this.button.getAttribute("aria-pressed") === "true";
  }

  toggle() {
    if (!this.button.disabled) this.turn(!this.on);
  }

  turn(on) {
    this.button.setAttribute("aria-pressed", on);
    this.onTurn(on);
  }
}

/** Write a digit's label; the style sheet puts a dot of the digit's colour before it. */
function showLabel(element, label) {
  element.textContent = label;
  element.style.setProperty("--digit", `var(--digit-${label})`);
}
