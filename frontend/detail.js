// The view of one job: its state, preview and result.
import { $, copy, setText } from "./dom.js";
import { removeJob, showTrouble } from "./dialogs.js";
import * as store from "./jobs_store.js";
import { Preview } from "./result/preview.js";
import { loadResult } from "./result/result.js";
import { openShare } from "./result/share.js";
import { fill } from "./view.js";

const page = $("#detail");

const NOTES = {
  queued: "This job is waiting for a free worker. You can close this page; the job continues without it.",
  cancelled: "This job was cancelled. Its files were deleted.",
};

let shown = { id: null, share: null };
let resultId = null;
let preview = null;
const RETRY = 5_000; // milliseconds
let endResult = () => {};

/** Whether an error may be temporary because the connection or the server failed. */
const isTemporary = ({ status }) => status === 0 || status >= 500;

/** Shows a job; null closes the view. A share link's token gives access to this job only. */
export async function showJob(id, share = null) {
  const asked = (shown = { id, share });
  close();
  let job;
  try {
    job = await store.open(id, share);
  } catch (error) {
    if (shown !== asked) return;
    page.append(copy("missing-template"));
    setText($(".error", page), share && error.status === 404 ? "This link no longer works." : error.message);
    $(".back", page).hidden = share !== null;
    if (isTemporary(error)) setTimeout(() => shown === asked && showJob(id, share), RETRY);
  }
  if (!job || shown !== asked) return;
  page.append(copy("detail-template"));
  for (const own of page.querySelectorAll(".own")) own.hidden = share !== null;
  $(".remove", page).addEventListener("click", () => removeJob(id, () => location.assign("#/")));
  $(".share", page).addEventListener("click", () => openShare(store.get(id)));
  update(job);
  $("h1", page).focus({ preventScroll: true });
}

function close() {
  endResult();
  endResult = () => {};
  resultId = null;
  preview?.close();
  preview = null;
  page.replaceChildren();
}

store.on("job", ({ job }) => {
  if (job.id !== shown.id) return;
  if ($("h1.name", page)) update(job);
  else if ($(".error", page)) showJob(shown.id, shown.share); // an earlier attempt failed
});

store.on("drop", ({ id }) => {
  if (id === shown.id) location.assign("#/");
});

function update(job) {
  fill(page, job);
  $(".note", page).hidden = !(job.state in NOTES);
  setText($(".note", page), NOTES[job.state] ?? "");
  $(".share", page).hidden = job.state !== "succeeded" || shown.share !== null;
  updatePreview(job);
  if (job.state === "succeeded" && resultId !== job.id) showResult(job);
}

/** Shows the finished segments of a running job, until its result is available. */
function updatePreview(job) {
  if (job.state === "running" && job.links.preview && !preview) preview = new Preview($(".preview", page), job);
  if (job.state === "running" || !preview) return;
  preview.close();
  preview = null;
  $(".preview", page).remove();
}

async function showResult(job) {
  resultId = job.id;
  const asked = shown;
  try {
    const show = await loadResult(job);
    if (shown !== asked) return;
    // No await from here on: the browser does not load a video before it is in the document.
    endResult = show($(".result", page));
    showTrouble(null);
    $(".result", page).hidden = false;
  } catch (error) {
    if (shown !== asked) return;
    resultId = null;
    showTrouble(error.message);
    if (isTemporary(error)) setTimeout(() => shown === asked && update(store.get(job.id)), RETRY);
  }
}
