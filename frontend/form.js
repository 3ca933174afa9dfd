// The form for new videos and images: choosing and dropping files, rejecting unsuitable ones.
import * as api from "./api.js";
import { $, bytes, copy, setText } from "./dom.js";
import { readOptions } from "./options.js";
import { enqueue } from "./upload/queue.js";

const form = $("#new");
const input = $("#files");
const drop = $("#drop");
const start = $("#start");

// Extensions of videos and images whose media type the browser may not know.
const FILMS = /\.(mkv|mts|m2ts|m2t|ts|mxf|flv|f4v|wmv|asf|avi|3gp|3g2|vob|mpe?g|m2v|dv|ogv|rm|divx|webm|mov|mp4|m4v|tiff?|bmp)$/i;

let chosen = [];

/** Returns the reason why a file is rejected, or null. */
function objection({ name, size, type }) {
  if (!/^(video|image)\//.test(type) && !FILMS.test(name)) return "This is neither a video nor an image.";
  return size === 0 ? "This file is empty." : null;
}

const fitting = () => chosen.filter((file) => !objection(file));

function choose(files) {
  chosen.push(...files);
  showChosen();
  if (fitting().length) start.focus();
}

function showChosen() {
  const list = $("#chosen");
  list.replaceChildren(...chosen.map(chosenRow));
  list.hidden = chosen.length === 0;
  const count = fitting().length;
  start.hidden = count === 0;
  setText(start, count > 1 ? `Start ${count} files` : "Start");
}

function chosenRow(file) {
  const row = copy("chosen-template").firstElementChild;
  setText($(".name", row), file.name);
  setText($(".size", row), bytes(file.size));
  const wrong = objection(file);
  $(".error", row).hidden = !wrong;
  setText($(".error", row), wrong ?? "");
  const button = $("button", row);
  button.setAttribute("aria-label", `Remove ${file.name}`);
  button.addEventListener("click", () => {
    chosen = chosen.filter((other) => other !== file);
    showChosen();
    (start.hidden ? input : start).focus();
  });
  return row;
}

/** Returns the dropped files, without folders: these appear as files but cannot be read. */
function droppedFiles({ items }) {
  return [...items]
    .filter((item) => item.kind === "file" && item.webkitGetAsEntry()?.isFile !== false)
    .map((item) => item.getAsFile());
}

function takeFiles() {
  choose([...input.files]);
  input.value = ""; // so that the same file can be chosen again
}

input.addEventListener("change", takeFiles);
takeFiles(); // files chosen before the script had loaded

// The whole page accepts drops, because a browser would replace the page with a file that misses the box.
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
  if ($("#home").hidden) location.assign("#/");
  choose(droppedFiles(event.dataTransfer));
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const options = readOptions();
  for (const file of fitting()) enqueue(file, options);
  chosen = [];
  showChosen();
  input.focus({ preventScroll: true });
});

// --- the sample -----------------------------------------------------------------------------------

const sample = $("#sample");
let asked = false;

/** Offers the sample video if the server has one. */
export async function offerSample() {
  if (asked) return;
  asked = true;
  sample.hidden = !(await api.hasSample());
}

sample.addEventListener("click", async () => {
  const said = $("#sample-error");
  said.hidden = true;
  sample.disabled = true;
  try {
    enqueue(await api.getSample(), readOptions());
  } catch ({ message }) {
    setText(said, message);
    said.hidden = false;
  } finally {
    sample.disabled = false;
  }
});
