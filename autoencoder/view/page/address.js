"use strict";

const REST_BEFORE_WRITING_MS = 500; // browsers refuse addresses that change too often

/** The state of the page in its address, after the #: written when all rests, obeyed, and sent. */
class Address {
  constructor(explorer) {
    this.explorer = explorer;
    this.initial = this.state(); // with which it opens, and which needs no writing
    window.addEventListener("hashchange", () => this.follow());
    byId("copy-link").addEventListener("click", () => this.copy());
    byId("link-close").addEventListener("click", () => byId("link").close());
  }

  /** Bring the page to the state that the address tells; one that tells none is ignored. */
  obey() {
    const state = readState(location.hash, this.explorer);
    if (state) this.restore(state);
  }

  /** Obey a link or the way back, to the bare address too, and show where it leads. */
  follow() {
    clearTimeout(this.resting);
    if (location.hash) this.obey();
    else this.restore({});
    byId("map").scrollIntoView({ block: "nearest" });
  }

  /** Write the state when nothing has changed for a while. */
  schedule() {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.write(), REST_BEFORE_WRITING_MS);
  }

  write() {
    clearTimeout(this.resting);
    const text = writeState(this.state());
    const isInitial = !location.hash && text === writeState(this.initial);
    if (!isInitial && text !== location.hash) history.replaceState(null, "", text);
  }

  state() {
    const { explorer } = this;
    const { viewport } = explorer.map;
    return {
      point: explorer.point,
      real: explorer.digitIn.real,
      visible: explorer.digits.visible,
      grid: explorer.gridSwitch.on,
      density: explorer.densitySwitch.on,
      map: explorer.pcaSwitch.on ? "pca" : "network",
      zoom: viewport.zoom,
      centre: viewport.centre,
      walk: explorer.walk.ends,
      keys: explorer.keys.help.charactersAct,
      language: explorer.language.code,
    };
  }

  /** Restore a state, in which what is not told is as at first; what suits the reader stays. */
  restore(told) {
    const { explorer } = this;
    const { language, keys } = this.state();
    const state = { ...this.initial, language, keys, ...told };
    if (state.language !== explorer.language.code) explorer.speak(new Language(state.language));
    if ((state.map === "pca") !== explorer.pcaSwitch.on) explorer.pcaSwitch.toggle();
    if (state.grid !== explorer.gridSwitch.on) explorer.gridSwitch.toggle();
    if (state.density !== explorer.densitySwitch.on) explorer.densitySwitch.toggle();
    explorer.legend.change(state.visible);
    explorer.keys.help.charactersAct = state.keys;
    if (state.real === null) explorer.stopAndMoveTo(state.point);
    else explorer.takeIn(state.real);
    explorer.showView(state.zoom, state.centre);
    explorer.walk.goBetween(state.walk);
  }

  /** Copy the address; where the browser does not let the page, show it for copying. */
  async copy() {
    const { texts } = this.explorer.language;
    this.write();
    try {
      await navigator.clipboard.writeText(location.href);
      this.explorer.say(texts.copied);
    } catch {
      byId("link").showModal();
      byId("link-text").value = location.href;
      byId("link-text").select();
    }
  }
}

// --- a state as text ---

/** A state as a fragment of an address. */
function writeState(state) {
  const entries = {
    at: state.real === null && writePoint(state.point),
    in: state.real,
    hide: state.visible.flatMap((visible, digit) => (visible ? [] : digit)).join(""),
    on: ["grid", "density"].filter((name) => state[name]).join(","),
    map: state.map !== "network" && state.map,
    view: state.zoom > 1 && [Number(state.zoom.toFixed(2)), writePoint(state.centre)].join(","),
    from: state.walk[0] && writeEnd(state.walk[0]),
    to: state.walk[1] && writeEnd(state.walk[1]),
    keys: !state.keys && "off",
    lang: state.language,
  };
  const written = Object.entries(entries).filter(([, value]) => value || value === 0);
  return `#${written.map((entry) => entry.join("=")).join("&")}`;
}

function writePoint(point) {
  return point.map((number) => Number(number.toFixed(3))).join(",");
}

function writeEnd({ point, real }) {
  return real === null ? writePoint(point) : String(real);
}

/** What a fragment tells of a state, as far as it makes sense; null where nothing does. */
function readState(text, { digits, maps }) {
  const words = new Map(new URLSearchParams(text.slice(1)));
  const state = {};
  const point = readNumbers(words.get("at"), 2);
  const real = readIndex(words.get("in"), digits);
  if (point) Object.assign(state, { point, real: null });
  if (real !== null) state.real = real;
  const hidden = /^\d{1,10}$/.exec(words.get("hide") ?? "");
  if (hidden) state.visible = digits.visible.map((_, digit) => !hidden[0].includes(digit));
  const on = words.get("on")?.split(",") ?? [];
  for (const name of ["grid", "density"]) if (on.includes(name)) state[name] = true;
  if (Object.hasOwn(maps, words.get("map") ?? "")) state.map = words.get("map");
  const view = readNumbers(words.get("view"), 3);
  if (view) Object.assign(state, { zoom: view[0], centre: view.slice(1) });
  const ends = ["from", "to"].map((name) => readEnd(words.get(name), digits));
  if (ends[0]) state.walk = ends[1] ? ends : ends.slice(0, 1);
  if (words.get("keys") === "off") state.keys = false;
  if (Object.hasOwn(TEXTS, words.get("lang") ?? "")) state.language = words.get("lang");
  return Object.keys(state).length ? state : null;
}

/** So many numbers, or null. */
function readNumbers(text, count) {
  const numbers = (text ?? "").split(",").map((word) => (/^-?[\d.]{1,9}$/.test(word) ? +word : NaN));
  return numbers.length === count && numbers.every(Number.isFinite) ? numbers : null;
}

/** The index of a real digit, or null. */
function readIndex(text, digits) {
  return /^\d{1,9}$/.test(text ?? "") && +text < digits.labels.length ? +text : null;
}

function readEnd(text, digits) {
  const real = readIndex(text, digits);
  const point = readNumbers(text, 2);
  return real !== null || point ? { point, real } : null;
}
