// Who is in the picture when: a row for each track, a bar for each time it is seen.
import { duration, element, number } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 1000;
const ROW = 22;
const BAR = 12;
const LEFT = 56;
const TOP = 24;
// Consecutive ids are this part of the colour circle apart, as on the video's labels.
const GOLDEN = 0.618034;

function shape(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** Steps of 1, 2 or 5 times a power of ten, at most eight of them. */
function step(seconds) {
  const power = 10 ** Math.floor(Math.log10(seconds / 8));
  return [1, 2, 5, 10].map((times) => times * power).find((size) => seconds / size <= 8);
}

function axis(seconds, place, height) {
  const size = step(seconds);
  const ticks = Array.from({ length: Math.floor(seconds / size) + 1 }, (_, index) => index * size);
  return ticks.flatMap((tick) => [
    shape("line", { class: "tick", x1: place(tick), x2: place(tick), y1: TOP, y2: TOP + height }),
    shape("text", { x: place(tick), y: TOP - 8, "text-anchor": "middle" }, `${Number(tick.toPrecision(6))} s`),
  ]);
}

function row(track, index, at, place) {
  const middle = TOP + index * ROW + ROW / 2;
  const hue = Math.round(((track.id * GOLDEN) % 1) * 360);
  const bars = track.spans.map(([first, last]) => {
    const width = Math.max(1, place(at(last + 1)) - place(at(first)));
    const box = { x: place(at(first)), y: middle - BAR / 2, width, height: BAR, rx: 2 };
    return shape("rect", { ...box, fill: `hsl(${hue} 87% 61%)` });
  });
  return [shape("text", { x: LEFT - 10, y: middle + 5, "text-anchor": "end" }, String(track.id)), ...bars];
}

function words(track, at) {
  const times = track.spans.map(([first, last]) => `${at(first).toFixed(1)} to ${at(last + 1).toFixed(1)} s`);
  return element("li", { textContent: `Track ${track.id}: ${times.join(", ")}` });
}

/** Draws what a tracks.json holds into a section. */
export function drawTimeline(section, { frames, duration_seconds: seconds, tracks }) {
  if (!tracks.length || !(seconds > 0)) return;
  const at = (frame) => (frame * seconds) / frames;
  const place = (second) => LEFT + (second / seconds) * (WIDTH - LEFT - 20);
  const height = tracks.length * ROW;
  const count = tracks.length === 1 ? "1 track" : `${number(tracks.length)} tracks`;
  const label = `${count} in ${duration(seconds)}; the list below says who is seen when.`;
  const picture = shape(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${TOP + height}`, role: "img", "aria-label": label },
    ...axis(seconds, place, height),
    ...tracks.flatMap((track, index) => row(track, index, at, place)),
  );
  section.querySelector(".plot").append(picture);
  section.querySelector("ul").append(...tracks.map((track) => words(track, at)));
  section.hidden = false;
}
