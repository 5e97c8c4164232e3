"use strict";

/** Paint 784 pixels in [0, 1], white on black; the style sheet inverts them on a light page. */
function paintDigit(canvas, pixels, left = 0, top = 0) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(SIDE, SIDE);
  image.data.fill(255);
  for (let i = 0; i < PIXELS; i++) image.data.fill(Math.round(255 * pixels[i]), 4 * i, 4 * i + 3);
  context.putImageData(image, left, top);
}

function strokeLine(context, start, end) {
  context.beginPath();
  context.moveTo(...start);
  context.lineTo(...end);
  context.stroke();
}

/** A picture as opaque as an image, all in one colour. */
function tint(image, colour) {
  const canvas = document.createElement("canvas");
  canvas.width = image.width;
  canvas.height = image.height;
  const context = canvas.getContext("2d");
  context.putImageData(image, 0, 0);
  context.globalCompositeOperation = "source-in";
  context.fillStyle = colour;
  context.fillRect(0, 0, image.width, image.height);
  return canvas;
}
