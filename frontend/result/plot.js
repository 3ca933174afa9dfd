// One plot over time: its lines, the playhead and a table of values.
import { $, element, number, setText } from "../dom.js";
import { onDrag, shape, ticks, timeMarks } from "./axis.js";
import { clock } from "./player.js";
import { colourOf } from "./skeleton.js";

/** Seconds shown at once of a longer video. */
export const WINDOW = 60;
const MARGIN = 10; // seconds from the window's edge at which it moves
const DASHES = ["", "7 4", "2 3", "10 3 2 3"];
const SLOW = 200; // milliseconds between updates of the values during playback, to keep them legible

/** Returns the values of a series as runs of [time, value] without gaps. */
function runs({ id, measure }, frames) {
  const all = [];
  let [run, before] = [null, null];
  for (const frame of frames) {
    const person = frame.people.find((other) => other.id === id);
    const follows = before?.person && before.frame.index === frame.index - 1;
    const value = person ? measure(person, follows ? before.person : null, follows ? frame.time - before.frame.time : 0) : null;
    if (value === null) run = null;
    else if (run) run.push([frame.time, value]);
    else all.push((run = [[frame.time, value]]));
    before = { frame, person };
  }
  return all;
}

/** Returns the value at a time, null in a gap. */
function valueAt(all, time, interval) {
  const run = all.find((points) => points[0][0] <= time + 1e-4 && time < points.at(-1)[0] + interval);
  return run?.findLast?.(([at]) => at <= time + 1e-4)?.[1] ?? null;
}

export class Plot {
  #series = [];
  #drawn = []; // runs of each series within the window
  #window = null;
  #asked = 0;
  #hovered = null;
  #read = 0;

  constructor(figure, player, { unit, top = null }) {
    Object.assign(this, { figure, player, unit, top, area: $(".area", figure) });
    const seconds = player.seconds;
    this.length = Math.min(seconds, WINDOW);
    player.addEventListener("frame", () => this.#follow());
    player.video.addEventListener("pause", () => this.#showValues());
    onDrag(this.area, (part) => this.#window && player.seek(this.#window[0] + part * this.length));
    this.area.addEventListener("pointermove", (event) => {
      const { left, width } = this.area.getBoundingClientRect();
      this.#hovered = (event.clientX - left) / width;
      this.#showValues();
    });
    this.area.addEventListener("pointerleave", () => {
      this.#hovered = null;
      this.#showValues();
    });
  }

  /** Plots the series `[{id, name, dash, measure(person, before, seconds)}]`. */
  show(series) {
    this.#series = series;
    this.#window = null;
    this.#follow();
  }

  #follow() {
    const { time, seconds } = this.player;
    const [start, end] = this.#window ?? [Infinity, -Infinity];
    const out = time < start + (start > 0 ? MARGIN : 0) || time > end - (end < seconds ? MARGIN : 0);
    if (!this.#window || (out && this.length < seconds)) {
      const from = Math.min(Math.max(time - this.length / 2, 0), seconds - this.length);
      if (from !== start) {
        this.#window = [from, from + this.length];
        this.#load();
      }
    }
    this.#place($(".playhead", this.area), (time - this.#window[0]) / this.length);
    if (this.player.video.paused || performance.now() - this.#read > SLOW) this.#showValues();
  }

  #place(line, part) {
    line.hidden = !(part >= 0 && part <= 1);
    line.style.left = `${part * 100}%`;
  }

  async #load() {
    const asked = (this.#asked += 1);
    const note = $(".plot-note", this.figure);
    try {
      const frames = this.#series.length ? await this.player.frames.range(...this.#window) : [];
      if (asked !== this.#asked) return; // another window was requested meanwhile
      this.#drawn = this.#series.map((series) => runs(series, frames));
      const none = this.#drawn.every((all) => !all.length);
      setText(note, !this.#series.length ? "Choose at least one person and one line above." : none ? "Not visible in this period." : "");
      this.#draw();
    } catch (error) {
      if (asked === this.#asked) setText(note, error.message);
    }
  }

  #draw() {
    const [start, end] = this.#window;
    const largest = Math.max(1, ...this.#drawn.flat(2).map(([, value]) => value));
    const heights = ticks(0, this.top ?? largest, 5);
    const top = this.top ?? Math.max(largest, heights.at(-1));
    const x = (time) => (((time - start) / this.length) * 1000).toFixed(1);
    const y = (value) => (100 - (value / top) * 100).toFixed(2);
    const grid = heights.map((value) => shape("line", { class: "grid", x1: 0, x2: 1000, y1: y(value), y2: y(value) }));
    const lines = this.#drawn.map((all, index) => {
      // A single point appears as a dot, because a line of zero length has round caps.
      const d = all.map((run) => `M${run.map(([time, value]) => `${x(time)} ${y(value)}`).join("L")}${run[1] ? "" : "h0"}`);
      return this.#line(this.#series[index], { d: d.join("") });
    });
    const attributes = { viewBox: "0 0 1000 100", preserveAspectRatio: "none", "aria-hidden": "true" };
    $("svg", this.area).replaceWith(shape("svg", attributes, ...grid, ...lines));
    $(".heights", this.figure).replaceChildren(
      ...heights.map((value) => {
        const mark = element("span", { textContent: number(value) });
        mark.style.top = `${y(value)}%`;
        return mark;
      }),
    );
    $(".times", this.figure).replaceChildren(...timeMarks(start, end, innerWidth < 700 ? 4 : 8));
    this.#fillTable();
  }

  #line({ id, dash }, attributes) {
    const line = shape("path", { class: "line", "stroke-dasharray": DASHES[dash % DASHES.length], ...attributes });
    line.style.setProperty("--hue", colourOf(id));
    return line;
  }

  #fillTable() {
    const rows = this.#series.map((series) => {
      const sample = shape("svg", { viewBox: "0 0 32 8", "aria-hidden": "true" }, this.#line(series, { d: "M1 4H31" }));
      return element(
        "tr",
        {},
        element("th", { scope: "row" }, sample, `Person ${series.id}, ${series.name.toLowerCase()}`),
        element("td"),
      );
    });
    $("tbody", this.figure).replaceChildren(...rows);
    this.#showValues();
  }

  /** Shows the values at the pointer, otherwise at the playhead. */
  #showValues() {
    if (!this.#window) return;
    this.#read = performance.now();
    const hovered = this.#hovered === null ? null : this.#window[0] + this.#hovered * this.length;
    const time = hovered ?? this.player.time;
    this.#place($(".hover", this.area), this.#hovered ?? -1);
    setText($("caption", this.figure), `At ${clock(time)}`);
    const cells = this.figure.querySelectorAll("td");
    this.#drawn.forEach((all, index) => {
      const value = valueAt(all, time, 1.5 * this.player.frames.interval);
      if (cells[index]) setText(cells[index], value === null ? "–" : `${number(Math.round(value))}${this.unit}`);
    });
  }
}
