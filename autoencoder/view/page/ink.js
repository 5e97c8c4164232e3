"use strict";

const DARK = matchMedia("screen and (prefers-color-scheme: dark)");
let printing = false; // which Firefox does not tell DARK

/** The grey of ink: black on a light page and on paper, white on a dark page. */
function inkGrey() {
  return DARK.matches && !printing ? 255 : 0;
}

function inkColour() {
  return `rgb(${inkGrey()} ${inkGrey()} ${inkGrey()})`;
}

/** Give the canvases of digits the ink of now. */
function inkAgain() {
  for (const canvas of document.querySelectorAll(".digit, #grid")) {
    const context = canvas.getContext("2d");
    context.save();
    context.globalCompositeOperation = "source-in"; // only where there is ink
    context.fillStyle = inkColour();
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.restore();
  }
}

DARK.addEventListener("change", inkAgain);
for (const type of ["beforeprint", "afterprint"]) {
  addEventListener(type, () => {
    printing = type === "beforeprint";
    inkAgain();
  });
}
