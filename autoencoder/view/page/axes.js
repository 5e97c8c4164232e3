"use strict";

const SPACINGS = [0.5, 0.25, 0.1, 0.05, 0.025, 0.01, 0.005]; // of the lines, in latent coordinates

/** Draw the lines and numbers of the latent coordinates that are in view. */
function drawAxes(context, { width, height }, viewport, language, style) {
  const size = 0.75 * parseFloat(style.fontSize);
  context.font = `${size}px ${style.fontFamily}`;
  context.fillStyle = style.getPropertyValue("--soft");
  const [[left, right], [bottom, top]] = viewport.ends;
  const range = Math.max(right - left, top - bottom);
  // As many as leave room for their numbers.
  const fitting = SPACINGS.filter((spacing) => (spacing / range) * width > 3.4 * size);
  const spacing = fitting.at(-1) ?? SPACINGS[0];
  const first = Math.ceil(Math.max(Math.min(left, bottom), -1) / spacing);
  const last = Math.floor(Math.min(Math.max(right, top), 1) / spacing);
  for (let n = first; n <= last; n++) {
    const [across, down] = viewport.toFractions([n * spacing, n * spacing]);
    const [x, y] = [across * width, down * height];
    const name = language.writeTick(n * spacing);
    context.strokeStyle = style.getPropertyValue(n === 0 ? "--axis" : "--line");
    strokeLine(context, [x, 0], [x, height]);
    strokeLine(context, [0, y], [width, y]);
    // A name is left out where it would meet one of the other axis, or be cut off.
    if (across > 0.08 && across < 0.95) context.fillText(name, x + 0.3 * size, height - 0.5 * size);
    if (down > 0.05 && down < 0.92) context.fillText(name, 0.5 * size, y - 0.3 * size);
  }
}

function strokeLine(context, start, end) {
  context.beginPath();
  context.moveTo(...start);
  context.lineTo(...end);
  context.stroke();
}
