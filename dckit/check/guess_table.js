// What was predicted on pages without Python: kept in this browser alone, shown as a table, and saved as a file.
// guess.js asks, and uses this.
window.dckitGuessTable ??= (() => {
  "use strict";
  const { text, distance } = window.dckitGuessWords;
  const KEY = "dckit-guess:";
  const FILE = "dckit-guesses.json";
  const memory = {}; // of this visit, where the browser keeps nothing

  function make(tag, properties, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children); // strings become text, never tags
    return element;
  }

  function button(label, press, type = "button") {
    const element = make("button", { type, className: "dckit-ask" }, label);
    if (press) element.addEventListener("click", press);
    return element;
  }

  // The records by their keys: one for each question that was answered, as the kit's file of predictions has them.
  function records() {
    const found = { ...memory };
    try {
      for (const key of Object.keys(localStorage).filter((name) => name.startsWith(KEY)))
        found[key] = JSON.parse(localStorage.getItem(key));
    } catch {} // a private window, or a page opened as a file, may refuse
    return found;
  }

  function keep(key, record) {
    memory[key] = record;
    try {
      localStorage.setItem(key, JSON.stringify(record));
    } catch {}
  }

  function remove(questions) {
    if (!confirm("Delete this lesson's predictions from this browser? This cannot be undone.")) return;
    try {
      for (const { key } of questions) localStorage.removeItem(key);
    } catch {}
    location.reload();
  }

  function save(status) {
    const guesses = Object.values(records());
    const file = new Blob([JSON.stringify({ format: "dckit-guesses-1", guesses, solved: [] }, null, 1)]);
    const link = make("a", { href: URL.createObjectURL(file), download: FILE });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    status.textContent = `Saved as ${FILE}, with ${guesses.length} answered questions of all lessons in this browser.`;
  }

  function summary(questions, said) {
    const made = questions.filter((q) => said(q) !== null);
    const words = made.filter((q) => typeof q.measured === "string");
    const right = words.filter((q) => said(q) === q.measured).length;
    const first = `You made ${made.length} of ${questions.length} predictions.`;
    return words.length ? `${first} Predictions in words: ${right} of ${words.length} right.` : first;
  }

  // A number that was said, and the one measured, as marks on a line: the pictures were drawn without them.
  function line({ within, measured }, guess) {
    if (!within || !(measured >= within[0] && measured <= within[1])) return "";
    const [low, high] = within;
    const mark = (value, sign) => {
      const element = make("span", {}, sign);
      element.style.left = `${(100 * (value - low)) / (high - low)}%`;
      return element;
    };
    const drawn = make("div", { className: "dckit-line" }, mark(guess, "○"), mark(measured, "◆"));
    drawn.setAttribute("role", "img");
    const words = `you said ${text(guess)}, measured ${text(measured)}`;
    drawn.setAttribute("aria-label", `Line from ${text(low)} to ${text(high)}: ${words}`);
    const legend = make("span", {}, "○ you said, ◆ measured");
    return make("div", { className: "dckit-row" }, text(low), drawn, text(high), legend);
  }

  // Draws the table of a page's questions into `box`. A measurement is in it once its question was answered.
  function draw(box, questions) {
    const found = records();
    const said = (q) => q.said ?? found[q.key]?.guess ?? null;
    const line = (cells, tag, more) => make("tr", {}, ...cells.map((words) => make(tag, more, words)));
    const rows = questions.map((q) => {
      const open = q.said !== null || found[q.key];
      const late = (q.said === null ? found[q.key]?.late : q.late) ? ", said after the measurement" : "";
      const measured = open ? [text(q.measured), distance(said(q), q.measured) + late] : ["not answered yet", ""];
      return line([q.question, text(said(q)), ...measured], "td", {});
    });
    const head = line(["question", "you said", "measured", "how close"], "th", { scope: "col" });
    const table = make("table", { className: "docutils" }, make("thead", {}, head), make("tbody", {}, ...rows));
    const command = make("code", {}, `check.import_guesses("${FILE}", outputs)`);
    const status = make("p", {});
    status.setAttribute("aria-live", "polite");
    box.replaceChildren(
      make("div", { className: "table-wrapper" }, table),
      make("p", {}, summary(questions, said)),
      make("p", {}, "Your predictions stay in this browser; nothing is sent. To use them in a notebook, save them as ",
        "a file. In the notebook, ", command, " reads it."),
      make("p", { className: "dckit-row" }, button("Save all predictions as a file", () => save(status)),
        button("Delete this lesson's predictions", () => remove(questions))),
      status
    );
  }

  return { KEY, make, button, records, keep, draw, line };
})();
