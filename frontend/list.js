// The list of jobs. Rows are sorted by id, which puts the newest first.
import { $, announce, copy } from "./dom.js";
import { removeJob } from "./dialogs.js";
import * as store from "./jobs_store.js";
import { fill, stateText } from "./view.js";

const list = $("#jobs");
const rows = new Map();
let order = []; // the ids of the rows, sorted

export const size = () => order.length;
export const rowOf = (id) => rows.get(id);
export const lastRow = () => list.lastElementChild;

/** Returns the position of an id in the list, or where to insert it. */
function place(id) {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (order[middle] < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

function makeRow(job) {
  const row = copy("row-template").firstElementChild;
  row.dataset.id = job.id;
  $(".name", row).href = `#/${job.id}`;
  $(".remove", row).addEventListener("click", () => removeJob(job.id));
  return row;
}

/** Adds a job's row or updates it. */
export function show(job) {
  let row = rows.get(job.id);
  if (!row) {
    row = makeRow(job);
    const index = place(job.id);
    list.insertBefore(row, rows.get(order[index]) ?? null);
    order.splice(index, 0, job.id);
    rows.set(job.id, row);
  }
  fill(row, job);
  showPoster(row, job);
}

function showPoster(row, job) {
  const image = $(".poster img", row);
  if (!job.links.poster || image.src) return;
  image.src = job.links.poster;
  image.hidden = false;
}

/** Removes a job's row. */
export function hide(id) {
  const row = rows.get(id);
  if (!row) return;
  if (row.contains(document.activeElement)) $("#jobs-title").focus();
  row.remove();
  rows.delete(id);
  order.splice(place(id), 1);
}

/** Removes the rows of all jobs for which `keep` returns false. */
export function sift(keep) {
  for (const id of [...order]) if (!keep(id)) hide(id);
}

store.on("job", ({ job, before }) => {
  if (before && before.state !== job.state) announce(`${job.name}: ${stateText(job)}`);
});
