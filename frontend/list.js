// The list of jobs.
import { $, announce, copy } from "./dom.js";
import { removeJob, showTrouble } from "./dialogs.js";
import * as live from "./live.js";
import { fill, stateText } from "./view.js";

const list = $("#jobs");
const more = $("#more");
const rows = new Map();

function addRow(job) {
  const row = copy("row-template").firstElementChild;
  row.dataset.id = job.id;
  $(".name", row).href = `#/${job.id}`;
  $(".remove", row).addEventListener("click", () => removeJob(job.id));
  rows.set(job.id, row);
  // Ids sort newest first.
  const next = [...list.children].find((other) => other.dataset.id > job.id);
  list.insertBefore(row, next ?? null);
  return row;
}

function showPoster(row, job) {
  const image = $(".poster img", row);
  if (!job.links.poster || image.src) return;
  image.src = job.links.poster;
  image.hidden = false;
}

function showLists() {
  const none = live.count() === 0;
  $("#loading").hidden = true;
  $("#empty").hidden = !none;
  list.hidden = none;
}

live.on("job", ({ job, before }) => {
  const row = rows.get(job.id) ?? addRow(job);
  fill(row, job);
  showPoster(row, job);
  showLists();
  if (before && before.state !== job.state) announce(`${job.name}: ${stateText(job)}`);
});

live.on("drop", ({ id }) => {
  const row = rows.get(id);
  if (row.contains(document.activeElement)) $("#jobs-title").focus();
  row.remove();
  rows.delete(id);
  showLists();
});

live.on("listed", (page) => {
  more.hidden = !page.more;
  showLists();
});

more.addEventListener("click", async () => {
  const last = list.lastElementChild;
  more.disabled = true;
  try {
    await live.loadMore();
    $("a", last?.nextElementSibling ?? list)?.focus();
  } catch (error) {
    showTrouble(error.message);
  } finally {
    more.disabled = false;
  }
});
