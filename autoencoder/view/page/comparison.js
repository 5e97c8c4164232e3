"use strict";

/** What a network gains over none: the errors of both maps, of all digits and of the one in. */
class Comparison {
  constructor(maps, digitIn) {
    this.maps = maps;
    this.digitIn = digitIn;
    this.element = byId("errors");
  }

  translate(language) {
    this.language = language;
  }

  /** Compare where there is a reason to: a digit is in, or the map without a network is shown. */
  show(latentMap) {
    const { texts } = this.language;
    const { pixels } = this.digitIn;
    const { network, pca } = this.maps;
    this.element.textContent = "";
    if (!pca || (!pixels && latentMap === network)) return;
    const write = (error) => this.language.writeError(error, 4);
    const parts = [texts.meanErrors(write(network.meanError), write(pca.meanError))];
    if (pixels) {
      const errors = [network, pca].map((map) => this.errorOn(map, map === latentMap));
      parts.push(texts.itsErrors(...errors.map(write)));
    }
    this.element.textContent = parts.join(" ");
  }

  /** The error of the digit in on a map: a real one's at its code, a drawing's at the best point. */
  errorOn(latentMap, isShown) {
    const { pixels, real, best } = this.digitIn;
    if (real !== null) return latentMap.errorAt(latentMap.latent(real), pixels);
    return latentMap.errorAt(isShown ? best : latentMap.finder.find(pixels), pixels);
  }
}
