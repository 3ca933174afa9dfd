// What a row of the list and the view of a job have in common.
import { $, bytes, moment, number, setText, timeLeft } from "./dom.js";
import { finished, isCancelling } from "./jobs_store.js";

const STATES = {
  queued: "Waiting",
  running: "Working",
  succeeded: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
};

export const stateText = (job) => (isCancelling(job) ? "Cancelling…" : STATES[job.state] ?? job.state);

/** Updates a row or a view from its job. */
export function fill(node, job) {
  node.dataset.state = job.state;
  setText($(".name", node), job.name);
  setText($(".state", node), stateText(job));
  setText($(".size", node), bytes(job.size));
  const created = $(".created", node);
  created.dateTime = job.created_at;
  setText(created, moment(new Date(job.created_at)));

  fillProgress($(".progress", node), job);

  const error = $(".error", node);
  error.hidden = !job.error;
  setText(error, job.error?.message ?? "");

  const remove = $(".remove", node);
  const word = finished(job) ? "Delete" : "Cancel";
  setText($(".word", remove) ?? remove, word);
  remove.disabled = isCancelling(job);
  remove.setAttribute("aria-label", `${word} ${job.name}`);
}

function fillProgress(node, job) {
  node.hidden = job.state !== "running";
  if (node.hidden) return;
  const { fraction, frames_done: done, frames_total: total, eta_seconds: left } = job.progress;
  const bar = $("progress", node);
  bar.setAttribute("aria-label", `Progress of ${job.name}`);
  // Without a value the browser shows an indeterminate progress bar.
  if (fraction > 0) bar.value = fraction;
  else bar.removeAttribute("value");
  const frames = total === null ? `${number(done)} frames` : `${number(done)} of ${number(total)} frames`;
  setText($(".done", node), fraction > 0 ? `${Math.floor(fraction * 100)} %, ${frames}` : frames);
  setText($(".left", node), left === null ? "" : timeLeft(left));
}
