// What plots over time have in common: ticks, shapes, a line where the player is.
import { element } from "../dom.js";

const SVG = "http://www.w3.org/2000/svg";

export function shape(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

const ROUND = [10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200]; // seconds

/** Steps of 1, 2 or 5 times a power of ten, at most `most` of them. */
function step(range, most) {
  const power = 10 ** Math.floor(Math.log10(range / most));
  return [1, 2, 5, 10].map((times) => times * power).find((size) => range / size <= most * 1.001);
}

/** Round numbers from one to another, both included where they are round. */
export function ticks(start, end, most, size = step(end - start, most)) {
  const first = Math.ceil(start / size - 1e-6);
  return Array.from({ length: Math.floor(end / size + 1e-6) - first + 1 }, (_, index) => (first + index) * size);
}

const minutes = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.round(seconds % 60)).padStart(2, "0")}`;

/** Marks of a time axis, placed in parts of its width. */
export function timeMarks(start, end, most = 8) {
  const long = end >= 100;
  const size = long ? ROUND.find((seconds) => (end - start) / seconds <= most) : undefined;
  return ticks(start, end, most, size).map((second) => {
    const textContent = !long ? `${Number(second.toPrecision(6))} s` : minutes(second);
    const mark = element("span", { textContent });
    mark.style.left = `${((second - start) / (end - start)) * 100}%`;
    return mark;
  });
}

/** Calls with the part of a node's width, 0 to 1, where a pointer presses it or drags on it. */
export function onDrag(node, listener) {
  const tell = (event) => {
    const { left, width } = node.getBoundingClientRect();
    listener(Math.min(Math.max((event.clientX - left) / width, 0), 1));
  };
  node.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    node.setPointerCapture(event.pointerId);
    tell(event);
  });
  node.addEventListener("pointermove", (event) => node.hasPointerCapture(event.pointerId) && tell(event));
}
