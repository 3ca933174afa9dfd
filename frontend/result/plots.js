// Joint angles and keypoint speeds over time, for chosen people.
import { $, element } from "../dom.js";
import { Plot, WINDOW } from "./plot.js";
import { colourOf, KEYPOINTS, placed, words } from "./skeleton.js";

const FOLDED = 8; // with more people than this, their buttons start folded
const ANGLES =
  "left_elbow right_elbow left_shoulder right_shoulder left_hip right_hip left_knee right_knee trunk".split(" ");

const angle = (name) => (person) => person.angles?.[name] ?? null;

/** Speed since the previous frame in source pixels per second; null unless both have the keypoint. */
const speed = (name, aspect) => {
  const index = KEYPOINTS.indexOf(name);
  return (person, before, seconds) => {
    if (!before || !(seconds > 0) || !placed(person, index) || !placed(before, index)) return null;
    const across = (person.points[3 * index] - before.points[3 * index]) * aspect();
    return Math.hypot(across, person.points[3 * index + 1] - before.points[3 * index + 1]) / seconds;
  };
};

/** Adds toggle buttons for the values. Calls `onChange` with the chosen values in their order. */
function choice(node, values, chosen, label, onChange) {
  const picked = new Set(chosen);
  for (const value of values) {
    const chip = element("button", { type: "button", className: "chip", textContent: label(value) });
    if (typeof value === "number") {
      const swatch = element("i");
      swatch.style.background = colourOf(value);
      chip.prepend(swatch);
    }
    const mark = () => chip.setAttribute("aria-pressed", String(picked.has(value)));
    chip.addEventListener("click", () => {
      if (!picked.delete(value)) picked.add(value);
      mark();
      onChange(values.filter((other) => picked.has(other)));
    });
    mark();
    node.append(chip);
  }
}

/** Fills the section. `aspect` returns the aspect ratio of a pixel, width by height. */
export function fillPlots(section, { tracks }, player, aspect) {
  if (!tracks.length) return;
  const ids = tracks.map(({ id }) => id);
  // Starts with the two people visible longest in the first window.
  const end = WINDOW / player.frames.interval;
  const seen = ({ spans }) => spans.reduce((sum, [first, last]) => sum + Math.max(Math.min(last + 1, end) - first, 0), 0);
  const most = [...tracks].sort((a, b) => seen(b) - seen(a)).slice(0, 2);
  let people = ids.filter((id) => most.some((track) => track.id === id));

  const make = (name, keys, first, measure, options) => {
    const figure = $(`.${name}`, section);
    const plot = new Plot(figure, player, options);
    let chosen = first;
    const update = () =>
      plot.show(people.flatMap((id) => chosen.map((key, dash) => ({ id, dash, name: words(key), measure: measure(key) }))));
    choice($(".keys", figure), keys, first, words, (now) => {
      chosen = now;
      update();
    });
    return update;
  };
  const updates = [
    make("angles", ANGLES, ["left_knee", "right_knee"], angle, { unit: "°", top: 180 }),
    make("speeds", KEYPOINTS, ["left_wrist", "right_wrist"], (name) => speed(name, aspect), { unit: " px/s" }),
  ];
  const chips = $(".people", section);
  choice(chips, ids, people, (id) => `Person ${id}`, (now) => {
    people = now;
    updates.forEach((update) => update());
  });
  $(".chosen-people", section).open = ids.length <= FOLDED;
  section.hidden = false;
  updates.forEach((update) => update());
}
