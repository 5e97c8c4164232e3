"use strict";

/** The real digits nearest to the point: their pictures, and their labels below. */
class Neighbours {
  constructor(digits, count) {
    this.digits = digits;
    const length = Math.min(count, digits.labels.length);
    this.items = Array.from({ length }, () => {
      const item = document.createElement("li");
      const canvas = document.createElement("canvas");
      const label = document.createElement("span");
      canvas.className = "digit";
      canvas.width = canvas.height = SIDE;
      canvas.setAttribute("role", "img");
      item.append(canvas, label);
      byId("neighbours").append(item);
      return { canvas, label, index: -1 };
    });
  }

  translate({ texts }) {
    this.texts = texts;
    for (const item of this.items) item.index = -1; // so that show() writes its label anew
  }

  /** Show the digits at these indices; those that are shown already cost nothing. */
  show(indices) {
    this.items.forEach((item, rank) => {
      const index = indices[rank];
      if (item.index === index) return;
      item.index = index;
      const label = this.digits.labels[index];
      paintDigit(item.canvas, this.digits.pixels(index));
      item.canvas.setAttribute("aria-label", this.texts.neighbour(label));
      showLabel(item.label, label);
    });
  }
}
