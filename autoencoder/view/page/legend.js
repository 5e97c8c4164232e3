"use strict";

/** Ten switches, one for the dots of each digit; `onTurn` is told the digit and on or off. */
class Legend {
  constructor(onTurn) {
    this.switches = Array.from({ length: 10 }, (_, digit) => {
      const entry = document.createElement("button");
      entry.type = "button";
      entry.setAttribute("aria-pressed", true);
      showLabel(entry, digit);
      byId("legend").append(entry);
      return new Switch(entry, (on) => onTurn(digit, on));
    });
  }

  translate({ texts }) {
    this.switches.forEach(({ button }, digit) => {
      button.setAttribute("aria-label", texts.legendEntry(digit));
    });
  }
}
