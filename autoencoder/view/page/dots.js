"use strict";

const STILL = matchMedia("(prefers-reduced-motion: reduce)");

/** The dots of the digits: where they lie in view, and how they glide to another map. */
class Dots {
  constructor(digits, secondsAGlide, onMove) {
    this.digits = digits;
    this.secondsAGlide = secondsAGlide;
    this.onMove = onMove;
    this.places = null; // as fractions of the view, x and y of each digit in turn
    this.gliding = false;
  }

  /** Put them where a map has them. */
  put(latentMap, viewport) {
    cancelAnimationFrame(this.frame);
    this.gliding = false;
    this.places = placesOf(latentMap, viewport);
  }

  /** Let them glide to where a map has them; who prefers stillness finds them there. */
  glide(latentMap, viewport) {
    const from = this.places;
    this.put(latentMap, viewport);
    if (STILL.matches) return;
    const to = this.places;
    const began = performance.now();
    const move = (now) => {
      const time = clip((now - began) / 1000 / this.secondsAGlide, 0, 1);
      const progress = time * time * (3 - 2 * time); // slow at both ends
      this.gliding = time < 1;
      this.places = this.gliding ? from.map((at, i) => at + progress * (to[i] - at)) : to;
      if (this.gliding) this.frame = requestAnimationFrame(move);
      this.onMove();
    };
    this.gliding = true;
    this.frame = requestAnimationFrame(move);
    this.places = from;
  }

  /** Draw those that are in view and not hidden; gliding, as squares, which takes a third. */
  draw(context, { width, height }, radius, colours) {
    const { places } = this;
    this.digits.labels.forEach((label, index) => {
      if (!this.digits.visible[label]) return;
      const [x, y] = [places[2 * index] * width, places[2 * index + 1] * height];
      if (x < -radius || x > width + radius || y < -radius || y > height + radius) return;
      context.fillStyle = colours[label];
      if (this.gliding) {
        context.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
        return;
      }
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.fill();
    });
  }
}

function placesOf({ codes }, viewport) {
  const [[left, right], [bottom, top]] = viewport.ends;
  return codes.map((code, i) =>
    i % 2 ? (top - code) / (top - bottom) : (code - left) / (right - left),
  );
}
