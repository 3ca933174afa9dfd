// Two dialogs: the confirmation before a job is removed, and an image in full size.
import { $, element, setText } from "./dom.js";
import * as store from "./jobs_store.js";

const question = $("#confirm");
let asked = null;

/** Asks the user to confirm that a job is deleted or cancelled. Resolves to the answer. */
function confirm(job) {
  const done = store.finished(job);
  setText($("#confirm-title"), done ? "Delete this job?" : "Cancel this job?");
  setText(
    $("#confirm-text"),
    done
      ? `“${job.name}” and all its results will be deleted permanently.`
      : `“${job.name}” will not be processed any further, and its upload will be deleted.`,
  );
  setText($(".danger", question), done ? "Delete" : "Cancel the job");
  asked = job;
  question.returnValue = "";
  question.showModal();
  return new Promise((resolve) => {
    question.onclose = () => {
      asked = null;
      resolve(question.returnValue === "yes");
    };
  });
}

// Cancelling and deleting are the same request. A user who wants to cancel a job must not lose its result
// because it finished while the dialog was open.
store.on("job", ({ job }) => {
  if (asked?.id === job.id && store.finished(job) && !store.finished(asked)) question.close("");
});

/** Deletes or cancels a job if the user confirms. Calls `leave` before a finished job is deleted. */
export async function removeJob(id, leave = () => {}) {
  const job = store.get(id);
  if (!(await confirm(job))) return;
  if (store.finished(job)) leave();
  try {
    await store.remove(job);
  } catch (error) {
    store.put(store.get(id) ?? job);
    showTrouble(error.message);
  }
}

/** Shows an error message at the top of the page; null hides it. */
export function showTrouble(message) {
  const node = $("#trouble");
  node.hidden = !message;
  setText(node, message ?? "");
}

const viewer = $("#viewer");
let shots = [];
let current = 0;

let goTo = null;

/**
 * Opens an image of `all`: [{src, label, width?, height?, frame?, go?}]. An image with a `frame` gets a
 * button labelled `go` that calls `onGo` with it, to show that frame in the player.
 */
export function viewPicture(all, index, onGo = null) {
  shots = all;
  goTo = onGo;
  show(index);
  viewer.showModal();
}

function show(index) {
  current = Math.min(Math.max(index, 0), shots.length - 1);
  const { label, src, width, height, frame, go } = shots[current];
  const picture = { src, ...(width && { width, height }) };
  // A new element, so that the old image is not shown under the new caption while the new one loads.
  $("img", viewer).replaceWith(element("img", { ...picture, alt: label }));
  setText($(".caption", viewer), `${label} (${current + 1} of ${shots.length})`);
  $(".go", viewer).hidden = !goTo || frame === undefined;
  setText($(".go", viewer), go ?? "");
  $('[data-step="-1"]', viewer).disabled = current === 0;
  $('[data-step="1"]', viewer).disabled = current === shots.length - 1;
}

viewer.addEventListener("click", (event) => {
  const { step } = event.target.dataset;
  if (step) show(current + Number(step));
  else if (event.target === viewer) viewer.close(); // the backdrop
  else if (event.target.matches(".go")) {
    viewer.close();
    goTo(shots[current]);
  }
});
viewer.addEventListener("keydown", (event) => {
  if (event.key === "ArrowLeft") show(current - 1);
  if (event.key === "ArrowRight") show(current + 1);
});
