"use strict";

/** A menu of actions that opens below a button; keys move in it as in any menu. */
class Menu {
  constructor(element) {
    this.element = element;
    this.owner = null; // the button it belongs to while it is open
    element.addEventListener("keydown", (event) => this.onKey(event));
    element.addEventListener("focusout", ({ relatedTarget }) => {
      if (!element.contains(relatedTarget) && relatedTarget !== this.owner) this.close();
    });
  }

  /** Open below a button, with entries of a text and what it does; close, if it is open there. */
  toggle(owner, name, entries) {
    const wasOpen = owner === this.owner;
    this.close();
    if (wasOpen) return;
    this.owner = owner;
    owner.setAttribute("aria-expanded", true);
    this.element.replaceChildren(...entries.map((entry) => this.item(entry)));
    this.element.setAttribute("aria-label", name);
    this.element.hidden = false;
    const { left, bottom } = owner.getBoundingClientRect();
    const room = document.documentElement.clientWidth - this.element.offsetWidth;
    this.element.style.left = `${Math.max(0, Math.min(left, room)) + scrollX}px`;
    this.element.style.top = `${bottom + scrollY}px`;
    this.element.firstChild.focus();
  }

  item({ text, act }) {
    const item = document.createElement("button");
    item.type = "button";
    item.role = "menuitem";
    item.tabIndex = -1;
    item.textContent = text;
    item.addEventListener("click", () => {
      this.leave();
      act();
    });
    return item;
  }

  close() {
    this.owner?.setAttribute("aria-expanded", false);
    this.owner = null;
    this.element.hidden = true;
  }

  /** Close, with the focus back where it came from. */
  leave() {
    const { owner } = this;
    this.close();
    owner.focus();
  }

  onKey(event) {
    const items = [...this.element.children];
    const here = items.indexOf(document.activeElement);
    const goTo = (index) => items.at(index % items.length).focus();
    const actions = {
      ArrowDown: () => goTo(here + 1),
      ArrowUp: () => goTo(here - 1),
      Home: () => goTo(0),
      End: () => goTo(-1),
      Escape: () => this.leave(),
    };
    event.stopPropagation(); // the point does not move meanwhile
    if (event.key === "Tab") this.leave(); // and on from there
    if (!(event.key in actions)) return;
    event.preventDefault();
    actions[event.key]();
  }
}
