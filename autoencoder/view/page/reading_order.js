"use strict";

/**
 * Put the parts of the page in the order in which the eye meets them, column by column: the order
 * of Tab and of screen readers. Which columns there are, the style sheet says.
 */
function followTheEye() {
  const page = byId("explorer");
  const { right } = byId("map").getBoundingClientRect();
  const place = (part) => {
    const { left, top } = part.getBoundingClientRect();
    return { column: left < right ? 0 : 1, top };
  };
  const places = new Map([...page.children].map((part) => [part, place(part)]));
  const seen = [...places.keys()].sort((one, other) => {
    const [a, b] = [places.get(one), places.get(other)];
    return a.column - b.column || a.top - b.top;
  });
  if (seen.every((part, rank) => part === page.children[rank])) return;
  const { activeElement } = document;
  page.append(...seen);
  activeElement.focus({ preventScroll: true });
}

new ResizeObserver(followTheEye).observe(byId("explorer"));
