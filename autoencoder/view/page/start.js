"use strict";

let explorer;

/** Read the numbers, and show the page. */
async function start() {
  const language = Language.preferred();
  language.translatePage();
  if (!("DecompressionStream" in window)) {
    complain(language.texts.tooOld);
    return;
  }
  try {
    const facts = JSON.parse(byId("facts").textContent);
    const reader = await unpack(byId("numbers").textContent);
    const decoder = new Decoder(reader, facts);
    const codes = readCodes(reader, facts);
    const digits = new Digits(reader, facts.digits);
    const lookup = new Lookup(decoder, bounds(facts.maps.network.limits));
    const network = new LatentMap(digits, decoder, lookup, codes, facts.maps.network);
    explorer = new Explorer(network, digits, facts);
    byId("explorer").hidden = byId("language").hidden = false;
    explorer.speak(language);
    const pca = new PrincipalComponents(reader);
    explorer.addPca(new LatentMap(digits, pca, pca, readCodes(reader, facts), facts.maps.pca));
  } catch (error) {
    complain(language.texts.damaged);
    throw error;
  }
}

/** The codes of all digits, x and y in turn. */
function readCodes(reader, { digits, latentScale }) {
  return new Float32Array(reader.take(Int16Array, 2 * digits)).map((unit) => unit / latentScale);
}

function complain(message) {
  byId("problem").textContent = message;
  byId("problem").hidden = false;
}

start();
