"use strict";

/**
 * Strokes, lists of points in the unit square, to 784 pixels as MNIST made them; null for none.
 * The twin of draw_strokes in autoencoder/handwriting.py, which says why; the brush is from there.
 */
function drawStrokes(strokes, brush) {
  if (!strokes.length) return null;
  const points = strokes.flat();
  const low = [0, 1].map((axis) => Math.min(...points.map((point) => point[axis])));
  const high = [0, 1].map((axis) => Math.max(...points.map((point) => point[axis])));
  const size = high.map((end, axis) => end - low[axis]);
  const scale = (brush.box - 2 * brush.radius) / Math.max(...size, brush.smallest);
  const start = brush.margin + brush.radius;
  const placed = strokes.map((stroke) =>
    stroke.map((point) => point.map((value, axis) => scale * (value - low[axis]) + start)),
  );
  const shift = centreOfMass(brushed(placed, brush)).map((middle, axis) => {
    const most = SIDE - brush.margin - size[axis] * scale - 2 * brush.radius;
    return clip(brush.centre - middle, -brush.margin, most);
  });
  const moved = placed.map((stroke) =>
    stroke.map((point) => point.map((value, axis) => value + shift[axis])),
  );
  return brushed(moved, brush);
}

/** The ink of strokes, in pixels, drawn with the brush. */
function brushed(strokes, brush) {
  const frame = new Float32Array(PIXELS);
  for (const stroke of strokes) {
    stroke.forEach((point, n) => drawSegment(frame, stroke[Math.max(n - 1, 0)], point, brush));
  }
  return frame;
}

/** Ink a segment; where there is ink already, the stronger one stays. */
function drawSegment(frame, [ax, ay], [bx, by], { radius, softness }) {
  const reach = radius + softness / 2;
  const [dx, dy] = [bx - ax, by - ay];
  const square = Math.max(dx * dx + dy * dy, 1e-12);
  const [left, top] = [Math.min(ax, bx), Math.min(ay, by)].map((at) => Math.floor(at - reach));
  const [right, bottom] = [Math.max(ax, bx), Math.max(ay, by)].map((at) => Math.ceil(at + reach));
  for (let row = Math.max(top, 0); row < Math.min(bottom, SIDE); row++) {
    for (let column = Math.max(left, 0); column < Math.min(right, SIDE); column++) {
      const [x, y] = [column + 0.5 - ax, row + 0.5 - ay];
      const along = clip((x * dx + y * dy) / square, 0, 1);
      const distance = Math.hypot(x - along * dx, y - along * dy);
      const i = row * SIDE + column;
      frame[i] = Math.max(frame[i], clip((reach - distance) / softness, 0, 1));
    }
  }
}

/** The column and row, counted from 0, of the centre of mass. */
function centreOfMass(frame) {
  let [mass, across, down] = [0, 0, 0];
  frame.forEach((ink, i) => {
    mass += ink;
    across += ink * (i % SIDE);
    down += ink * Math.floor(i / SIDE);
  });
  return [across / mass, down / mass];
}

/** Take away what lies within a radius of a point; strokes are cut there, to shorter ones. */
function erase(strokes, [x, y], radius) {
  return strokes.flatMap((stroke) => {
    const parts = [[]];
    for (const point of stroke) {
      if (Math.hypot(point[0] - x, point[1] - y) > radius) parts.at(-1).push(point);
      else parts.push([]);
    }
    return parts.filter((part) => part.length);
  });
}
