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
    const reader = await unpack(byId("numbers"));
    await givingWay();
    const decoder = new Decoder(reader, facts);
    const codes = readCodes(reader, facts);
    const digits = new Digits(reader, facts.digits);
    const lookup = new Lookup(decoder, bounds(facts.maps.network.limits));
    const network = new LatentMap(digits, decoder, lookup, codes, facts.maps.network);
    explorer = new Explorer(network, digits, facts);
    byId("explorer").hidden = byId("language").hidden = false;
    explorer.speak(language);
    await readToTheEnd();
    await idleness();
    const later = await unpack(byId("later"));
    digits.addPixels(later);
    const pca = new PrincipalComponents(later);
    explorer.complete(new LatentMap(digits, pca, pca, readCodes(later, facts), facts.maps.pca));
  } catch (error) {
    byId("explorer").hidden = true;
    complain(language.texts.damaged);
    throw error;
  }
}

/** The codes of all digits, x and y in turn. */
function readCodes(reader, { digits, latentScale }) {
  return new Float32Array(reader.take(Int16Array, 2 * digits)).map((unit) => unit / latentScale);
}

/** Go on in a task of its own, the next one where the browser knows how to say that. */
function givingWay() {
  return window.scheduler?.yield?.() ?? new Promise((done) => setTimeout(done));
}

/** Wait until the browser has read all of the page. */
async function readToTheEnd() {
  if (document.readyState !== "loading") return;
  await new Promise((done) => document.addEventListener("DOMContentLoaded", done));
}

/** Let first what the reader does come, where the browser knows how to say that. */
function idleness() {
  const nothing = () => {};
  return window.scheduler?.postTask?.(nothing, { priority: "background" }) ?? givingWay();
}

function complain(message) {
  byId("problem").textContent = message;
  byId("problem").hidden = false;
}

start();
