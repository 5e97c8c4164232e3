"use strict";

/** Buttons that take in the real digits nearest to the point: their pictures above their labels. */
class Neighbours {
  constructor(digits, count, onTake) {
    this.digits = digits;
    const length = Math.min(count, digits.labels.length);
    this.items = Array.from({ length }, () => {
      const entry = document.createElement("li");
      const button = document.createElement("button");
      const canvas = document.createElement("canvas");
      const label = document.createElement("span");
      canvas.className = "digit";
      canvas.width = canvas.height = SIDE;
      const item = { button, canvas, label, index: -1 };
      button.type = "button";
      button.addEventListener("click", () => onTake(item.index));
      button.append(canvas, label);
      entry.append(button);
      byId("neighbours").append(entry);
      return item;
    });
  }

  translate({ texts }) {
    this.texts = texts;
    this.forget();
  }

  /** See to it that they are shown anew. */
  forget() {
    for (const item of this.items) item.index = -1;
  }

  /** Show the digits at these indices, fewer where most are hidden; those shown cost nothing. */
  show(indices) {
    this.items.forEach((item, rank) => {
      const index = indices[rank];
      if (item.index === index) return;
      item.index = index;
      item.button.style.visibility = index === undefined ? "hidden" : "";
      if (index === undefined) return;
      const label = this.digits.labels[index];
      if (this.digits.complete) paintDigit(item.canvas, this.digits.pixels(index));
      item.button.setAttribute("aria-label", this.texts.takeIn(label));
      showLabel(item.label, label);
    });
  }
}
