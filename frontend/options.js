// The options in the form for new jobs.
import * as api from "./api.js";
import { $, number, setText } from "./dom.js";

const form = $("#new");
const { elements } = form;
let models = [];

/** Offers the server's models. */
export async function showModels() {
  try {
    models = await api.getModels();
  } catch {
    return; // without a choice, the server uses its default
  }
  const options = models.map((model) => new Option(model.title, model.name, model.default, model.default));
  $("select", $("#model")).replaceChildren(...options);
  $("#model").hidden = false;
  showMeasured();
}

/** Shows the measured accuracy and speed of the chosen model, if there are any. */
function showMeasured() {
  const accurate = elements.accurate.checked;
  const measured = models.find((model) => model.name === elements.model.value)?.measured ?? {};
  const precision = accurate ? measured.ap_accurate : measured.ap;
  const time = accurate ? measured.accurate_milliseconds : measured.milliseconds;
  const facts = [
    precision != null && `average precision ${precision.toFixed(1)} %`,
    time != null && `${number(Math.round(time))} ms per image`,
  ].filter(Boolean);
  $("#measured").hidden = facts.length === 0;
  // Cleared as well as hidden, since screen readers read a field's description even if it is hidden.
  setText($("#measured"), facts.length ? `Measured: ${facts.join(", ")} (${measured.on})` : "");

  const times = Math.round(measured.accurate_milliseconds / measured.milliseconds);
  setText($("#slower"), times > 1 ? `about ${times} times` : "several times");
}

elements.model.addEventListener("change", showMeasured);
elements.accurate.addEventListener("change", showMeasured);

// The sound follows the overlay, as on the server, until the user chooses.
let audioChosen = false;

function followOverlay() {
  if (!audioChosen) elements.audio.value = elements.overlay.value === "faces_blurred" ? "drop" : "keep";
}

for (const choice of elements.overlay) choice.addEventListener("change", followOverlay);
for (const choice of elements.audio) choice.addEventListener("change", () => { audioChosen = true; });
followOverlay(); // the browser may have restored an earlier choice of overlay

elements.unit.addEventListener("change", () => {
  const frames = elements.unit.value === "frames";
  Object.assign(elements.every, frames
    ? { value: "50", min: "1", max: "1000000", step: "1" }
    : { value: "2", min: "0.01", max: "86400", step: "any" });
});

// A field inside closed <details> cannot show its validation message.
form.addEventListener("invalid", ({ target }) => {
  for (const details of form.querySelectorAll("details")) details.open ||= details.contains(target);
}, true);

const VALUES = {
  checkbox: ({ checked }) => checked,
  number: ({ value }) => (value === "" ? null : Number(value)),
};

/** Returns the chosen options as the API expects them: {overlay: "video", ids: true, ...}. */
export function readOptions() {
  const options = {};
  for (const field of elements) {
    if (!field.name || (field.type === "radio" && !field.checked)) continue;
    options[field.name] = (VALUES[field.type] ?? (({ value }) => value))(field);
  }
  const { every, unit, ...rest } = options;
  rest[`screenshot_${unit}`] = every;
  if (rest.max_resolution) rest.max_resolution = Number(rest.max_resolution);
  return Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null && value !== ""));
}
