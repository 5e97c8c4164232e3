"use strict";

const DENSITY_GRID = 120; // cells a side

/**
 * A kernel density estimate of points in the unit square: a contour for each share of the points
 * that it encloses, in the unit square too, and a shade, an image whose opacity is the density.
 */
function estimateDensity(points, shares) {
  const field = density(points);
  const sorted = Float32Array.from(field).sort().reverse();
  const total = sorted.reduce((sum, value) => sum + value, 0);
  const contours = shares.map((share) => {
    let enclosed = 0;
    return contour(field, sorted.find((value) => (enclosed += value) >= share * total));
  });
  const shade = new ImageData(DENSITY_GRID, DENSITY_GRID);
  field.forEach((value, i) => (shade.data[4 * i + 3] = (255 * value) / sorted[0]));
  return { contours, shade };
}

function density(points) {
  const field = new Float32Array(DENSITY_GRID ** 2);
  for (const [x, y] of points) field[cell(y) * DENSITY_GRID + cell(x)] += 1;
  const [across, down] = [0, 1].map((axis) => bandwidth(points.map((point) => point[axis])));
  return blur(blur(field, across, 1), down, DENSITY_GRID);
}

function cell(coordinate) {
  return clip(Math.floor(coordinate * DENSITY_GRID), 0, DENSITY_GRID - 1);
}

/**
 * The width of a kernel: half of what Scott's rule (1992) says, which assumes a single heap where
 * a digit may have several. It is at least a cell, for the case that all values are the same.
 */
function bandwidth(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return Math.max((Math.sqrt(variance) * values.length ** (-1 / 6)) / 2, 1 / DENSITY_GRID);
}

/** Blur with a Gaussian along one axis: its neighbouring cells are a stride apart in the field. */
function blur(field, width, stride) {
  const reach = Math.ceil(3 * width * DENSITY_GRID);
  const blurred = new Float32Array(field.length);
  field.forEach((value, i) => {
    if (value === 0) return;
    const index = Math.floor(i / stride) % DENSITY_GRID;
    for (let step = -reach; step <= reach; step++) {
      if (index + step < 0 || index + step >= DENSITY_GRID) continue;
      const distance = step / DENSITY_GRID / width;
      blurred[i + step * stride] += value * Math.exp(-0.5 * distance ** 2);
    }
  });
  return blurred;
}

/** Trace where a field crosses a level, segment by segment, in the two triangles of each cell. */
function contour(field, level) {
  const path = new Path2D();
  for (let i = 0; i < field.length - DENSITY_GRID; i++) {
    if (i % DENSITY_GRID === DENSITY_GRID - 1) continue;
    const [a, b, c, d] = [i, i + 1, i + DENSITY_GRID, i + DENSITY_GRID + 1];
    const inside = [a, b, c, d].filter((corner) => field[corner] >= level).length;
    if (inside === 0 || inside === 4) continue;
    for (const [p, q, r] of [[a, b, c], [d, b, c]]) {
      const ends = [[p, q], [q, r], [r, p]].filter(
        ([one, other]) => field[one] >= level !== field[other] >= level,
      );
      ends.forEach(([one, other], end) => {
        const share = (level - field[one]) / (field[other] - field[one]);
        const [x, y] = [(n) => n % DENSITY_GRID, (n) => Math.floor(n / DENSITY_GRID)].map(
          (along) => (along(one) + share * (along(other) - along(one)) + 0.5) / DENSITY_GRID,
        );
        if (end === 0) path.moveTo(x, y);
        else path.lineTo(x, y);
      });
    }
  }
  return path;
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
