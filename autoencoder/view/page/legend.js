"use strict";

/** Ten entries, each with a menu that hides or shows the digit, or jumps to it. */
class Legend {
  constructor(digits, onChange, onJump) {
    this.digits = digits;
    this.onChange = onChange;
    this.onJump = onJump;
    this.menu = new Menu(byId("menu"));
    this.entries = Array.from({ length: 10 }, (_, digit) => {
      const entry = document.createElement("button");
      entry.type = "button";
      entry.setAttribute("aria-haspopup", "menu");
      entry.setAttribute("aria-expanded", false);
      showLabel(entry, digit);
      entry.addEventListener("click", ({ shiftKey }) => {
        if (shiftKey) this.showOnly(digit);
        else this.openMenu(digit);
      });
      byId("legend").append(entry);
      return entry;
    });
  }

  translate({ texts }) {
    this.texts = texts;
    this.show();
  }

  show() {
    this.entries.forEach((entry, digit) => {
      const visible = this.digits.visible[digit];
      entry.setAttribute("aria-label", this.texts.legendEntry(digit, visible));
      entry.classList.toggle("absent", !visible);
    });
  }

  openMenu(digit) {
    const { texts, digits } = this;
    const visible = digits.visible[digit];
    this.menu.toggle(this.entries[digit], texts.legendEntry(digit, visible), [
      { text: visible ? texts.hide : texts.show, act: () => this.setVisible(digit, !visible) },
      {
        text: digits.showsOnly(digit) ? texts.showAll : texts.showOnly,
        act: () => this.showOnly(digit),
      },
      { text: texts.jump, act: () => this.onJump(digit) },
    ]);
  }

  setVisible(digit, visible) {
    this.change(this.digits.visible.map((was, each) => (each === digit ? visible : was)));
  }

  /** Hide all the others; show them again where that has been done. */
  showOnly(digit) {
    const again = this.digits.showsOnly(digit);
    this.change(this.digits.visible.map((_, each) => again || each === digit));
  }

  change(visible) {
    this.digits.visible = visible;
    this.show();
    this.onChange();
  }
}
