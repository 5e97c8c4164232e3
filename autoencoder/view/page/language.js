"use strict";

const TEXTS = { en: ENGLISH, fr: FRENCH };

/** A language of the page: its texts, and how it writes numbers. */
class Language {
  /** The language that the browser asks for, of those that the page speaks. */
  static preferred() {
    return new Language(navigator.language.startsWith("fr") ? "fr" : "en");
  }

  constructor(code) {
    this.code = code;
    this.texts = TEXTS[code];
    this.coordinate = new Intl.NumberFormat(code, {
      minimumFractionDigits: 3,
      maximumFractionDigits: 3,
      signDisplay: "always",
    });
    this.tick = new Intl.NumberFormat(code);
    this.number = new Intl.NumberFormat(code, { maximumSignificantDigits: 4 });
  }

  other() {
    return new Language(this.code === "en" ? "fr" : "en");
  }

  /** Write all the texts of the page that do not change with the point. */
  translatePage() {
    document.documentElement.lang = this.code;
    document.title = this.texts.title;
    for (const element of document.querySelectorAll("[data-text]")) {
      element.textContent = this.texts[element.dataset.text];
    }
    for (const element of document.querySelectorAll("[data-label]")) {
      element.setAttribute("aria-label", this.texts[element.dataset.label]);
    }
    byId("language").textContent = this.texts.otherLanguage;
    byId("language").lang = this.other().code;
  }

  writePoint(point) {
    return this.writeCoordinates(point).join(this.code === "fr" ? "\u00a0; " : ", ");
  }

  writeCoordinates(point) {
    return point.map((number) => withMinus(this.coordinate.format(number)));
  }

  writeError(error, decimals = 3) {
    const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
    return error.toLocaleString(this.code, digits);
  }

  writeTick(number) {
    return withMinus(this.tick.format(number));
  }

  /** What is known of the network: its name, how long it was trained, and how well. */
  describeNetwork({ network, epoch, loss }) {
    const { texts } = this;
    return [
      texts.network(network),
      epoch === null ? "" : texts.trained(epoch, this.number.format(epoch)),
      loss === null ? "" : texts.loss(this.number.format(loss)),
    ].join("");
  }
}

function withMinus(text) {
  return text.replace("-", "−");
}
