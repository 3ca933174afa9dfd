// The form for new videos, and the uploads that came of it: one at a time, in the order chosen.
import * as api from "./api.js";
import { $, announce, bytes, copy, number, setText } from "./dom.js";
import * as live from "./live.js";

const form = $("#new");
const input = $("#files");
const drop = $("#drop");
const start = $("#start");
const uploads = $("#uploads");

let chosen = [];
let models = [];
const queue = [];
let sending = false;

// --- choosing -------------------------------------------------------------------------------------

function choose(files) {
  chosen.push(...files);
  showChosen();
  if (files.length) start.focus();
}

function showChosen() {
  const list = $("#chosen");
  list.replaceChildren(...chosen.map(chosenRow));
  list.hidden = start.hidden = chosen.length === 0;
  setText(start, chosen.length > 1 ? `Start ${chosen.length} videos` : "Start");
}

function chosenRow(file) {
  const row = copy("chosen-template").firstElementChild;
  setText($(".name", row), file.name);
  setText($(".size", row), bytes(file.size));
  const button = $("button", row);
  button.setAttribute("aria-label", `Remove ${file.name}`);
  button.addEventListener("click", () => {
    chosen = chosen.filter((other) => other !== file);
    showChosen();
    (chosen.length ? start : input).focus();
  });
  return row;
}

/** The files that were dropped; a folder also shows up as a file, but cannot be read as one. */
function droppedFiles({ items }) {
  return [...items]
    .filter((item) => item.kind === "file" && item.webkitGetAsEntry()?.isFile !== false)
    .map((item) => item.getAsFile());
}

input.addEventListener("change", () => {
  choose([...input.files]);
  input.value = ""; // so that the same file can be chosen again
});

// The whole page takes drops: a video that misses the box must not replace the page.
document.addEventListener("dragover", (event) => {
  if (!event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  drop.classList.add("over");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) drop.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  if (!event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  drop.classList.remove("over");
  location.assign("#/");
  choose(droppedFiles(event.dataTransfer));
});

// --- options --------------------------------------------------------------------------------------

async function showModels() {
  try {
    models = await api.getModels();
  } catch {
    return; // without a choice, the server takes its default
  }
  const options = models.map((model) => new Option(model.title, model.name, model.default, model.default));
  $("select", $("#model")).replaceChildren(...options);
  $("#model").hidden = false;
  showMeasured();
}

/** Says how good and how fast the chosen model is, as far as that was measured. */
function showMeasured() {
  const accurate = form.elements.accurate.checked;
  const measured = models.find((model) => model.name === form.elements.model.value)?.measured ?? {};
  const precision = accurate ? measured.ap_accurate : measured.ap;
  const time = accurate ? measured.accurate_milliseconds : measured.milliseconds;
  const facts = [
    precision != null && `average precision ${precision.toFixed(1)} %`,
    time != null && `${number(Math.round(time))} ms an image`,
  ].filter(Boolean);
  $("#measured").hidden = facts.length === 0;
  // Screen readers read out what describes a field even where it is hidden.
  setText($("#measured"), facts.length ? `Measured: ${facts.join(", ")} (${measured.on})` : "");

  const times = Math.round(measured.accurate_milliseconds / measured.milliseconds);
  setText($("#slower"), times > 1 ? `about ${times} times` : "several times");
}

form.elements.model.addEventListener("change", showMeasured);
form.elements.accurate.addEventListener("change", showMeasured);

form.elements.unit.addEventListener("change", () => {
  const frames = form.elements.unit.value === "frames";
  Object.assign(form.elements.every, frames
    ? { value: "50", min: "1", max: "1000000", step: "1" }
    : { value: "2", min: "0.01", max: "86400", step: "any" });
});

// A field inside closed <details> cannot show what is wrong with it.
form.addEventListener("invalid", ({ target }) => {
  for (const details of form.querySelectorAll("details")) details.open ||= details.contains(target);
}, true);

function readOptions() {
  const { every, unit, ...fields } = Object.fromEntries(new FormData(form));
  fields[`screenshot_${unit}`] = every;
  fields.ids = String(form.elements.ids.checked); // unlike the others, it is on if nothing is said
  return Object.entries(fields).filter(([, value]) => value !== "");
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const options = readOptions();
  for (const file of chosen) enqueue(file, options);
  chosen = [];
  showChosen();
  input.focus({ preventScroll: true });
});

// --- sending --------------------------------------------------------------------------------------

function enqueue(file, options) {
  const row = copy("upload-template").firstElementChild;
  const item = { file, options, row, abort: null };
  setText($(".name", row), file.name);
  $("progress", row).setAttribute("aria-label", `Upload of ${file.name}`);
  $(".cancel", row).addEventListener("click", () => cancel(item));
  $(".again", row).addEventListener("click", () => {
    wait(item);
    $(".cancel", row).focus();
  });
  $("ul", uploads).append(row);
  uploads.hidden = false;
  wait(item);
}

function wait(item) {
  note(item, "Waiting for the upload before it");
  delete item.row.dataset.state;
  nameCancel(item, "Cancel");
  $(".again", item.row).hidden = true;
  $("progress", item.row).hidden = false;
  queue.push(item);
  if (!sending) sendAll();
}

async function sendAll() {
  sending = true;
  while (queue.length) await send(queue.shift());
  sending = false;
}

async function send(item) {
  const { file, options } = item;
  item.abort = new AbortController();
  try {
    const job = await api.upload(file, options, (...progress) => showSent(item, ...progress), item.abort.signal);
    live.put(job);
    remove(item);
    announce(`${file.name} is uploaded`);
  } catch (error) {
    if (error.name !== "AbortError") fail(item, error);
  }
}

function showSent(item, sent, total) {
  $("progress", item.row).value = sent / total;
  const all = bytes(item.file.size);
  // After the last byte the server still stores the video.
  note(item, sent < total ? `${bytes(Math.min(sent, item.file.size))} of ${all}` : `${all} sent, storing…`);
}

function fail(item, { message, status }) {
  item.abort = null;
  item.row.dataset.state = "failed";
  note(item, message);
  announce(`${item.file.name}: ${message}`);
  $("progress", item.row).hidden = true;
  // What was refused (4xx) will be refused again.
  $(".again", item.row).hidden = status >= 400 && status < 500;
  nameCancel(item, "Dismiss");
}

function note(item, text) {
  setText($(".note", item.row), text);
}

function nameCancel({ file, row }, word) {
  setText($(".cancel", row), word);
  $(".cancel", row).setAttribute("aria-label", `${word} the upload of ${file.name}`);
}

function cancel(item) {
  item.abort?.abort();
  if (queue.includes(item)) queue.splice(queue.indexOf(item), 1);
  remove(item);
}

function remove(item) {
  if (item.row.contains(document.activeElement)) input.focus();
  item.row.remove();
  uploads.hidden = $("li", uploads) === null;
}

window.addEventListener("beforeunload", (event) => {
  if (sending) event.preventDefault();
});

showModels();
