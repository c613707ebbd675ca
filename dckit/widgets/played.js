// Shows, on a page without Python, the state of a widget that its controls choose. All states lie in the page.
(function () {
  "use strict";
  if (!window.dckitPlayed) window.dckitPlayed = define();
  window.dckitPlayed();

  function define() {
    let groups = 0; // names of radio buttons on this page

    const STYLE = `
      .dckit-dials { display: flex; flex-wrap: wrap; gap: 0.5em 1.5em; align-items: center; margin: 0.5em 0; }
      .dckit-dials label { display: inline-flex; flex-wrap: wrap; gap: 0.1em 0.5em; align-items: center; min-height: 2em; }
      .dckit-dials fieldset { border: 0; margin: 0; padding: 0; min-width: 0; }
      .dckit-dials legend { float: left; padding: 0; margin-right: 0.8em; line-height: 2em; }
      .dckit-dials .dckit-radios { display: flex; flex-wrap: wrap; gap: 0 0.8em; }
      .dckit-dials select { font: inherit; color: inherit; background: transparent; border: 1px solid; padding: 0.2em; }
      .dckit-dials select, .dckit-dials input { max-width: 100%; }
      .dckit-dials option { color: CanvasText; background: Canvas; }
      .dckit-said { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }`;

    function make(tag, properties, ...children) {
      const element = Object.assign(document.createElement(tag), properties);
      element.append(...children); // strings become text, never tags
      return element;
    }

    // Each kind of control calls `turn` with the number of the value chosen.
    const KINDS = {
      select(dial, turn) {
        const options = dial.words.map((word, i) => make("option", { textContent: word, selected: i === dial.start }));
        const select = make("select", { autocomplete: "off" }, ...options);
        select.addEventListener("change", () => turn(select.selectedIndex));
        return make("label", {}, dial.label, select);
      },
      checkbox(dial, turn) {
        const box = make("input", { type: "checkbox", autocomplete: "off", checked: dial.start === 1 });
        box.addEventListener("change", () => turn(Number(box.checked)));
        return make("label", {}, box, dial.label);
      },
      range(dial, turn) {
        const slider = make("input", { type: "range", autocomplete: "off", min: 0, max: dial.words.length - 1, step: 1 });
        const value = make("span", { ariaHidden: "true" }); // the slider itself says it
        const tell = (i) => {
          value.textContent = dial.words[i];
          slider.setAttribute("aria-valuetext", dial.words[i]);
        };
        slider.value = dial.start; // after its limits, which would cut it off
        tell(dial.start);
        slider.addEventListener("input", () => {
          tell(Number(slider.value));
          turn(Number(slider.value));
        });
        return make("label", {}, dial.label, slider, value);
      },
      radio(dial, turn) {
        const name = `dckit-radio-${groups++}`;
        const labels = dial.words.map((word, i) => {
          const button = make("input", { type: "radio", name, autocomplete: "off", checked: i === dial.start });
          button.addEventListener("change", () => turn(i));
          return make("label", {}, button, word);
        });
        const row = make("div", { className: "dckit-radios" }, ...labels);
        return make("fieldset", {}, make("legend", { textContent: dial.label }), row);
      },
    };

    function partOf(part, data) {
      if ("picture" in part) {
        const image = make("img", { alt: part.words, src: `data:image/png;base64,${data.pictures[part.picture]}` });
        image.style.maxWidth = "100%";
        return image;
      }
      const tags = document.createElement("template"); // our own tables and sentences, escaped where they were made
      tags.innerHTML = data.tags[part.tags];
      return tags.content;
    }

    function play(box) {
      box.dataset.ready = "";
      const data = JSON.parse(box.querySelector("script[type='application/json']").textContent);
      const shown = box.querySelector(".dckit-shown");
      const said = make("div", { className: "dckit-said" });
      said.setAttribute("aria-live", "polite");
      const at = data.dials.map((dial) => dial.start);

      function reach() { // what is wider than the page can be scrolled by keys
        if (shown.scrollWidth > shown.clientWidth) shown.tabIndex = 0;
        else shown.removeAttribute("tabindex");
      }

      function show() {
        const state = data.states[data.dials.reduce((index, dial, i) => index * dial.words.length + at[i], 0)];
        shown.replaceChildren(...state.parts.map((part) => partOf(part, data)));
        said.textContent = shown.querySelector("[role=alert]") ? "" : state.words; // an alert speaks for itself
        reach();
      }

      const dials = data.dials.map((dial, i) =>
        KINDS[dial.kind](dial, (index) => {
          at[i] = index;
          show();
        })
      );
      box.querySelector(".dckit-off").remove();
      box.prepend(make("style", { textContent: STYLE }), make("div", { className: "dckit-dials" }, ...dials), said);
      addEventListener("load", reach);
      addEventListener("resize", reach);
      reach();
    }

    return () => document.querySelectorAll(".dckit-played:not([data-ready])").forEach(play);
  }
})();
