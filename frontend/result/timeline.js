// Presence over time: a row for each person, whose name turns the skeleton on and off.
import { $, duration, element, number } from "../dom.js";
import { onDrag, shape, timeMarks } from "./axis.js";
import { listenToSeekKeys } from "./keys.js";
import { clock } from "./player.js";
import { colourOf } from "./skeleton.js";

const NARROWEST = 0.002; // minimum width of a span, as a fraction of the row

/** Returns start and end of each span of a track in seconds. Older results contain frames only. */
function timesOf({ spans, times }, { frames, duration_seconds: seconds }) {
  if (times?.length) return times;
  return spans.map(([first, last]) => [first, last + 1].map((frame) => (frame * seconds) / frames));
}

function bars(track, times, seconds) {
  const path = times.map(([from, to]) => {
    const start = from / seconds;
    const end = Math.max(to / seconds, start + NARROWEST);
    return `M${start.toFixed(5)} 0H${end.toFixed(5)}V1H${start.toFixed(5)}Z`;
  });
  const attributes = { viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true" };
  return shape("svg", attributes, shape("path", { d: path.join(""), fill: colourOf(track.id) }));
}

function row(track, times, seconds, view) {
  const swatch = element("i");
  swatch.style.background = colourOf(track.id);
  const name = element("button", { type: "button", className: "who" }, swatch, `Person ${track.id}`);
  name.addEventListener("click", () => view.showPeople([track.id], !view.isShown(track.id)));
  const node = element("li", {}, name, element("div", { className: "bars" }, bars(track, times, seconds)));
  const mark = () => {
    name.setAttribute("aria-pressed", String(view.isShown(track.id)));
    node.classList.toggle("off", !view.isShown(track.id));
  };
  view.addEventListener("change", mark);
  mark();
  return node;
}

/** Returns a sentence for a person, in which each time is a button that seeks to it. */
function inWords(track, times, player) {
  const buttons = times.map(([from, to], index) => {
    const textContent = `${from.toFixed(1)} to ${to.toFixed(1)} s`;
    const button = element("button", { type: "button", className: "link", textContent });
    button.addEventListener("click", () => player.goTo(track.spans[index][0]));
    return button;
  });
  const listed = buttons.flatMap((button, index) => (index ? [", ", button] : [button]));
  return element("li", {}, `Person ${track.id}: `, ...listed);
}

/** Returns a line across all rows at a cut, which seeks to it when clicked. */
function cutLine(time, seconds, player) {
  const title = `Cut at ${clock(time)}`;
  const line = element("button", { type: "button", className: "cut", title });
  line.setAttribute("aria-label", title);
  line.style.setProperty("--at", time / seconds);
  line.addEventListener("click", () => player.seek(time));
  return line;
}

/** Fills the section from the content of tracks.json and the times of the cuts. */
export function fillTimeline(section, presence, cuts, player, view) {
  const { duration_seconds: seconds, tracks } = presence;
  if (!tracks.length || !(seconds > 0)) return;
  $("ol", section).append(...tracks.map((track) => row(track, timesOf(track, presence), seconds, view)));
  $(".whole", section).append(...cuts.map((time) => cutLine(time, seconds, player)));
  $(".axis", section).append(...timeMarks(0, seconds, innerWidth < 700 ? 4 : 8));
  const count = tracks.length === 1 ? "1 person" : `${number(tracks.length)} people`;
  $(".count", section).textContent = `${count} in ${duration(seconds)}`;

  const ids = tracks.map(({ id }) => id);
  $(".all", section).addEventListener("click", () => view.showPeople(ids, true));
  $(".none", section).addEventListener("click", () => view.showPeople(ids, false));
  $(".both", section).hidden = tracks.length < 2;

  const details = $("details", section);
  details.addEventListener(
    "toggle",
    () => $("ul", details).append(...tracks.map((track) => inWords(track, timesOf(track, presence), player))),
    { once: true },
  );
  followPlayer(section, player, seconds);
  section.hidden = false;
}

function followPlayer(section, player, seconds) {
  const axis = $(".axis", section);
  const head = $(".playhead", section);
  axis.setAttribute("aria-valuemax", seconds);
  onDrag(axis, (part) => player.seek(part * seconds));
  for (const node of section.querySelectorAll(".bars")) onDrag(node, (part) => player.seek(part * seconds));
  listenToSeekKeys(axis, player);
  const follow = () => {
    head.style.setProperty("--at", player.time / seconds);
    axis.setAttribute("aria-valuenow", player.time.toFixed(2));
    axis.setAttribute("aria-valuetext", clock(player.time));
  };
  player.addEventListener("frame", follow);
  follow();
}
