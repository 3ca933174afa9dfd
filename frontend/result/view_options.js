// View options of the player: background, people, body parts, line width. Dispatches `change`.
import { $, announce, element } from "../dom.js";
import { words } from "./skeleton.js";

const PARTS = ["head", "torso", "arms", "legs"];
const SIDES = ["left", "right"];

const MODES = {
  live: "Video",
  black: "Skeletons only",
  rendered: "As rendered",
};

export class ViewOptions extends EventTarget {
  constructor(root, { background, ids }) {
    super();
    Object.assign(this, { root, hidden: new Set(), parts: new Set([...PARTS, ...SIDES, "middle"]), width: 1, ids });
    this.modes = background ? ["live", "black", "rendered"] : ["rendered", "black"];
    this.mode = this.modes[0];
    this.#fillModes();
    this.#fillParts();
    const width = $(".thickness input", root);
    width.addEventListener("input", () => this.#set({ width: Number(width.value) }));
    const labels = $(".ids", root);
    labels.checked = ids;
    labels.addEventListener("change", () => this.#set({ ids: labels.checked }));
    this.#mark();
  }

  /** Whether the page draws the skeletons itself. */
  get live() {
    return this.mode !== "rendered";
  }

  setMode(mode) {
    this.mode = mode;
    this.#mark();
    this.dispatchEvent(new Event("change"));
  }

  nextMode() {
    this.setMode(this.modes[(this.modes.indexOf(this.mode) + 1) % this.modes.length]);
    announce(MODES[this.mode]);
  }

  isShown = (id) => !this.hidden.has(id);

  /** Shows or hides people. */
  showPeople(ids, shown) {
    for (const id of ids) {
      if (shown) this.hidden.delete(id);
      else this.hidden.add(id);
    }
    this.#change();
  }

  #set(values) {
    Object.assign(this, values);
    this.#change();
  }

  // A rendered video has its skeletons burnt in, so switching any off makes the page draw them itself.
  #change() {
    if (!this.live) {
      this.mode = this.modes.find((mode) => mode !== "rendered");
      this.#mark();
      announce(`Showing ${MODES[this.mode].toLowerCase()}`);
    }
    this.dispatchEvent(new Event("change"));
  }

  #fillModes() {
    for (const mode of this.modes) {
      const radio = element("input", { type: "radio", name: "mode", value: mode });
      radio.addEventListener("change", () => this.setMode(mode));
      $(".modes", this.root).append(element("label", {}, radio, element("span", { textContent: MODES[mode] })));
    }
  }

  #fillParts() {
    for (const part of [...PARTS, ...SIDES]) {
      const text = SIDES.includes(part) ? `${words(part)} side` : words(part);
      const chip = element("button", { type: "button", className: "chip", textContent: text });
      chip.setAttribute("aria-pressed", "true");
      chip.addEventListener("click", () => {
        const shown = !this.parts.delete(part);
        if (shown) this.parts.add(part);
        chip.setAttribute("aria-pressed", String(shown));
        this.#change();
      });
      $(".parts", this.root).append(chip);
    }
  }

  #mark() {
    for (const radio of this.root.querySelectorAll('[name="mode"]')) radio.checked = radio.value === this.mode;
  }
}
