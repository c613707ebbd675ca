// On a page without Python, which says so in a <meta>: asks for a prediction before it shows what was measured.
// In a notebook, where learners type their predictions into a cell, it does nothing.
(function () {
  "use strict";
  if (window.dckitGuesses || !document.querySelector("meta[name=dckit-page]")) return;
  const { LATE, text, distance, understood } = window.dckitGuessWords;
  const { KEY, make, button, records, keep, draw, line } = window.dckitGuessTable;

  const CODE = ".jp-CodeCell, .cell"; // as nbconvert writes it, and as MyST-NB does
  const OUTPUT = ".jp-OutputArea-child, .cell_output > *";
  const STYLE = `
    @media screen { .dckit-hidden { display: none !important; } }
    .dckit-guess form, .dckit-row { display: flex; flex-wrap: wrap; gap: 0.5em; align-items: center; }
    .dckit-guess form :is(label, p) { flex: 0 0 100%; margin: 0; }
    .dckit-guess form p:empty { display: none; }
    .dckit-ask { font: inherit; color: inherit; background: transparent; border: 1px solid; padding: 0.3em 0.6em; }
    .dckit-ask { max-width: 100%; box-sizing: border-box; }
    .dckit-ask option { color: CanvasText; background: Canvas; }
    .dckit-guesses .table-wrapper { overflow-x: auto; }
    .dckit-line { position: relative; flex: 1 1 8em; max-width: 25em; height: 1.5em; margin: 0 0.6em; }
    .dckit-line::before { content: ""; position: absolute; top: 50%; width: 100%; border-top: 1px solid; }
    .dckit-line span { position: absolute; transform: translateX(-50%); line-height: 1.5em; }`;
  let questions = [];

  function read(box) {
    const { lesson, question, ...data } = box.dataset;
    const of = (name, otherwise = null) => (name in data ? JSON.parse(data[name]) : otherwise);
    const answers = { choices: of("choices", []), within: of("within"), measured: of("measured") };
    const notebook = { said: of("said"), late: of("late") };
    const cell = box.closest(CODE);
    const parts = cell ? [...outputs(cell), ...before(cell), ...after(cell)] : [];
    return { box, parts, lesson, question, key: `${KEY}${lesson}:${question}`, ...answers, ...notebook };
  }

  // The parts of a page that stay hidden until a question is answered: outputs of its cell; of the cells right above,
  // which measured; and all up to the end of the folded explanation below, if this section has one.
  const asks = (part) => part.matches(".dckit-guess") || part.querySelector(".dckit-guess");
  const outputs = (cell) => [...cell.querySelectorAll(OUTPUT)].filter((part) => !asks(part));

  function before(cell) {
    const other = cell.previousElementSibling;
    if (!other?.matches(CODE) || asks(other) || !outputs(other).length) return [];
    return [...outputs(other), ...before(other)];
  }

  function after(cell) {
    const found = [];
    for (let next = cell.nextElementSibling, words = false; next; next = next.nextElementSibling) {
      const code = next.matches(CODE);
      if (code && (words || asks(next))) return [];
      words = !code;
      const text = next.matches(".jp-MarkdownCell") ? next.querySelector(".jp-RenderedMarkdown")?.children : [next];
      for (const part of code ? outputs(next) : text ?? []) {
        if (!code && part.matches("h1, h2, h3, h4, h5, h6, section")) return [];
        found.push(part);
        if (!code && part.matches("details")) return found;
      }
    }
    return [];
  }

  // late: this question was answered without a guess, so its measurement is known.
  function ask(q, late) {
    const options = ["", ...q.choices].map((word) => make("option", { value: word }, word || "choose"));
    const field = q.choices.length ? make("select", {}, ...options) : make("input", { size: 10, maxLength: 60 });
    Object.assign(field, { className: "dckit-ask", autocomplete: "off", id: `dckit-ask-${questions.indexOf(q)}` });
    const range = q.within ? `, from ${text(q.within[0])} to ${text(q.within[1])}` : "";
    const label = make("label", { htmlFor: field.id }, `Your prediction: ${q.question}${range}`);
    const wrong = make("p", { id: `${field.id}-wrong` });
    wrong.setAttribute("role", "alert");
    field.setAttribute("aria-describedby", wrong.id);
    const then = "Then you see here what was measured, with its picture and its explanation.";
    const seen = "You have seen the measurement, so your prediction is marked as said after it.";
    const note = make("p", {}, late ? seen : then);
    const without = button(late ? "Go back" : "Show without a guess", () => answer(q, null));
    const buttons = [button("Compare", null, "submit"), without];
    const form = make("form", {}, label, field, ...buttons, wrong, note);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const [guess, why] = understood(field.value.trim(), q);
      if (guess !== null) return answer(q, guess);
      wrong.textContent = why;
      field.setAttribute("aria-invalid", "true");
      field.focus();
    });
    q.box.replaceChildren(form);
    if (late) field.focus(); // the button that was pressed is gone
  }

  function answer(q, guess) {
    const { key, lesson, question, measured } = q;
    const late = key in records();
    if (guess !== null || !late) keep(key, { lesson, question, guess, measured, date: new Date().toISOString(), late });
    tell(q, records()[key], "");
    refresh();
    q.box.firstChild.focus(); // so is this one
  }

  function tell(q, { guess, late }, when) {
    const close = distance(guess, q.measured);
    const said = guess === null ? "nothing" : `${text(guess)}${late ? LATE : ""}${close && `, ${close}`}`;
    const told = make("p", { tabIndex: -1 }, `${q.question}: ${text(q.measured)}. You said${when}: ${said}.`);
    q.box.replaceChildren(told, guess === null ? button("Guess anyway", () => ask(q, true)) : line(q, guess));
  }

  function refresh() {
    const found = records();
    const shut = questions.filter((q) => q.said === null && !found[q.key]).flatMap((q) => q.parts);
    for (const part of questions.flatMap((q) => q.parts)) part.classList.toggle("dckit-hidden", shut.includes(part));
    for (const box of document.querySelectorAll(".dckit-guesses")) draw(box, questions);
    dispatchEvent(new Event("resize")); // boxes that were hidden did not know their width
  }

  function start() {
    document.head.append(make("style", { textContent: STYLE }));
    questions = [...document.querySelectorAll(".dckit-guess")].map(read);
    const found = records();
    questions.forEach((q) => {
      const record = found[q.key];
      const day = record && new Date(record.date).toLocaleDateString("en-GB", { dateStyle: "long" });
      if (record && q.said === null) tell(q, record, record.guess === null ? "" : ` on ${day}`);
      else if (q.said === null) ask(q, false);
    });
    refresh();
  }

  window.dckitGuesses = true;
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", start);
  else start();
})();
