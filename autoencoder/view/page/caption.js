"use strict";

const QUIET_MS = 600; // without a move, before the digit is announced

/** The decoded digit in words: below its picture, and read aloud when the point rests. */
class Caption {
  constructor(digits) {
    this.digits = digits;
    this.element = byId("caption");
    this.coordinates = byId("coordinates");
    this.nearest = byId("nearest");
    this.announcement = byId("announcement");
  }

  translate(language) {
    this.language = language;
  }

  /**
   * Describe a point by the real digits nearest to it, or show a message instead; `news`, of the
   * digit that went in, is read aloud too.
   */
  show(point, nearest, isFar, message, news) {
    const { texts } = this.language;
    const position = this.language.writePoint(point);
    const description = message || this.describe(nearest, isFar);
    this.spoken = message || `${texts.announcement(position, description)} ${news}`.trim();
    this.coordinates.textContent = this.language.writeCoordinates(point).join("\n");
    showLabel(this.nearest, this.digits.labels[nearest[0]] ?? "");
    this.element.textContent = description;
    clearTimeout(this.announcing);
    this.announcing = setTimeout(() => this.announce(), QUIET_MS);
  }

  /** What the digit looks like: the most frequent label, or the two that share the neighbours. */
  describe(nearest, isFar) {
    const { texts } = this.language;
    if (!nearest.length) return texts.noneShown;
    if (isFar) return texts.far;
    const labels = nearest.map((index) => this.digits.labels[index]);
    const votes = (digit) => labels.filter((label) => label === digit).length;
    const ranking = [...new Set(labels)].sort((one, other) => votes(other) - votes(one));
    const [first, second] = ranking;
    return votes(second) > 1 ? texts.between(first, second) : texts.like(first);
  }

  announce() {
    this.announcement.textContent = this.spoken;
  }
}
