// Parts shared by all plots over time: ticks, shapes and dragging.
import { element } from "../dom.js";

const SVG = "http://www.w3.org/2000/svg";

export function shape(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

const ROUND = [10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200]; // seconds

/** Returns a tick distance of 1, 2 or 5 times a power of ten that gives at most `most` ticks. */
function step(range, most) {
  const power = 10 ** Math.floor(Math.log10(range / most));
  return [1, 2, 5, 10].map((times) => times * power).find((size) => range / size <= most * 1.001);
}

/** Returns the multiples of a round number from `start` to `end`, both inclusive. */
export function ticks(start, end, most, size = step(end - start, most)) {
  const first = Math.ceil(start / size - 1e-6);
  return Array.from({ length: Math.floor(end / size + 1e-6) - first + 1 }, (_, index) => (first + index) * size);
}

const minutes = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.round(seconds % 60)).padStart(2, "0")}`;

/** Returns the labels of a time axis, positioned in percent of its width. */
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

/** Calls the listener with the pointer's position across a node, 0 to 1, on a press and while dragging. */
export function onDrag(node, listener) {
  const report = (event) => {
    const { left, width } = node.getBoundingClientRect();
    listener(Math.min(Math.max((event.clientX - left) / width, 0), 1));
  };
  node.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    node.setPointerCapture(event.pointerId);
    report(event);
  });
  node.addEventListener("pointermove", (event) => node.hasPointerCapture(event.pointerId) && report(event));
}
