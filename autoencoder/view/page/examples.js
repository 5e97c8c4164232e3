"use strict";

/** Let the three things to try lead to their states, which depend on where the digits are. */
function linkExamples({ densestPoints }, initial) {
  const [four, nine] = [densestPoints[4], densestPoints[9]];
  const walk = four && nine && [four, nine].map((point) => ({ point, real: null }));
  const states = {
    "try-walk": walk && { point: four, walk },
    "try-density": { density: true },
    "try-pca": { map: "pca" },
  };
  for (const [id, state] of Object.entries(states)) {
    byId(id).parentElement.hidden = !state;
    byId(id).href = writeState({ ...initial, ...state, language: null });
  }
}
