// Predictions on pages without Python, in words: what was typed, and how far off it is.
window.dckitGuessWords ??= (() => {
  "use strict";
  // 35, 35 %, 35,5 and 1,000, as dckit/check/understood.py reads them.
  const NUMBER = /(?<![\w.])[-+]?(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:[.,]\d+)?|\.\d+)(?:e[-+]?\d+)?/gi;

  const LATE = " (after the measurement)"; // what predictions.py writes behind a late one

  // Answers and their distances in words, as predictions.py has them.
  function text(value) {
    if (typeof value !== "number") return value ?? "–";
    const large = Math.abs(value) >= 1000;
    const digits = large ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 };
    const format = new Intl.NumberFormat("en", { ...digits, roundingMode: "halfEven" });
    return format.format(value.toFixed(20)); // all its digits, as Python rounds: 68.35 is a little less
  }

  function distance(said, measured) {
    if (said === null || measured === null) return "";
    if (typeof measured === "string") return said === measured ? "right" : "wrong";
    return `off by ${text(Math.abs(said - measured))}`;
  }

  // What was typed, as a number or a word; or else null, and a sentence that says why.
  function understood(typed, { choices, within, measured }) {
    if (choices.length || typeof measured === "string") return [typed || null, "Choose one of the words first."];
    const example = "Write a number, such as 35.";
    const found = typed.replace("−", "-").match(NUMBER) ?? [];
    if (found.length !== 1) {
      const why = found.length ? "contains more than one number" : "is not a number";
      return [null, typed ? `“${typed}” ${why}. ${example}` : example];
    }
    const thousands = /^[-+]?\d{1,3}(,\d{3})+(\.\d+)?$/.test(found[0]);
    const number = Number(found[0].replaceAll(",", thousands ? "" : "."));
    if (!Number.isFinite(number)) return [null, `“${typed}” cannot be compared with a measurement. ${example}`];
    const [low, high] = within ?? [number, number];
    if (number >= low && number <= high) return [number, ""];
    return [null, `${text(number)} is not between ${text(low)} and ${text(high)}. ${example}`];
  }

  return { LATE, text, distance, understood };
})();
