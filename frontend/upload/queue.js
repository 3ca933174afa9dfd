// The queue of uploads: one file at a time, in the order chosen, and those left by an earlier visit.
import { $, announce, copy, setText } from "../dom.js";
import * as store from "../jobs_store.js";
import { signedIn } from "../session.js";
import * as api from "./api.js";
import * as memory from "./memory.js";
import { retry } from "./retry.js";
import { nameButtons, note, showSent, showWaiting } from "./row.js";
import { Speed } from "./speed.js";
import { transfer } from "./transfer.js";

const section = $("#uploads");
const queue = [];
let sending = null;

/** Adds a file to the queue. */
export function enqueue(file, options) {
  const item = addRow(file.name);
  wait(Object.assign(item, { file, options, total: file.size, key: randomKey() }));
}

// Not crypto.randomUUID, which exists only over https and on localhost.
const randomKey = () => [...crypto.getRandomValues(new Uint32Array(4))].join("-");

function addRow(name) {
  const row = copy("upload-template").firstElementChild;
  const item = { name, row, file: null, upload: null, abort: null, speed: new Speed() };
  setText($(".name", row), name);
  $("progress", row).setAttribute("aria-label", `Upload of ${name}`);
  $(".cancel", row).addEventListener("click", () => cancel(item));
  $(".again", row).addEventListener("click", () => {
    wait(item);
    $(".cancel", row).focus();
  });
  $(".choose input", row).addEventListener("change", ({ target }) => resume(item, target.files[0]));
  $("ul", section).append(row);
  section.hidden = false;
  return item;
}

function setState(item, state) {
  item.row.dataset.state = state;
  $(".again", item.row).hidden = true;
  $(".choose", item.row).hidden = state !== "left";
  $("progress", item.row).hidden = state === "failed";
  nameButtons(item, { failed: "Dismiss", left: "Discard" }[state] ?? "Cancel");
}

function wait(item) {
  setState(item, "waiting");
  note(item, "Waiting for the previous upload");
  queue.push(item);
  if (!sending) sendAll();
}

async function sendAll() {
  while ((sending = queue.shift())) await send(sending);
  sending = null;
}

async function send(item) {
  item.abort = new AbortController();
  setState(item, "sending");
  note(item, "Starting…");
  const how = {
    signal: item.abort.signal,
    signIn: signedIn,
    onProgress: (sent) => showSent(item, sent),
    onWait: (waiting) => showWaiting(item, waiting),
  };
  try {
    item.upload = await begin(item, how);
    const job = await memory.withLock(item.upload.id, () => transfer(item.file, item.upload, how));
    memory.forget(item.upload.id);
    store.put(job);
    remove(item);
    announce(`${item.name} is uploaded`);
  } catch (error) {
    if (!item.abort.signal.aborted) fail(item, error);
  }
}

/** Returns the upload to continue: that of an earlier attempt with the parts received, or a new one. */
async function begin(item, how) {
  const { file, options, key, upload } = item;
  if (upload) {
    try {
      return await retry(() => api.getUpload(upload.id), how);
    } catch (error) {
      if (error.status !== 404 || !options) throw error;
      memory.forget(upload.id); // it expired
      Object.assign(item, { upload: null, key: randomKey() });
      return begin(item, how);
    }
  }
  const asked = { name: file.name, size: file.size, options };
  const made = await retry(() => api.createUpload(asked, key, how.signal), how);
  memory.remember(made, file);
  return made;
}

function fail(item, { message, status, code }) {
  setState(item, "failed");
  note(item, message);
  announce(`${item.name}: ${message}`);
  // A request rejected with a 4xx would be rejected again.
  $(".again", item.row).hidden = status >= 400 && status < 500 && code !== "upload_incomplete";
  if (status >= 400 && status < 500) discard(item);
}

/** Drops an upload and its parts early. The server would let it expire anyway. */
function discard(item) {
  if (!item.upload) return;
  memory.forget(item.upload.id);
  api.dropUpload(item.upload.id).catch(() => {});
  item.upload = null;
}

function cancel(item) {
  item.abort?.abort();
  if (queue.includes(item)) queue.splice(queue.indexOf(item), 1);
  discard(item);
  remove(item);
}

function remove({ row }) {
  if (row.contains(document.activeElement)) $("#files").focus();
  row.remove();
  section.hidden = $("li", section) === null;
}

// --- uploads left by an earlier visit -------------------------------------------------------------

/** Shows unfinished uploads of an earlier visit. Each continues when its file is chosen again. */
export async function showUnfinished() {
  for (const kept of memory.remembered()) {
    const here = $(`[data-upload="${CSS.escape(kept.id)}"]`, section) || sending?.upload?.id === kept.id;
    if (here || (await memory.isLocked(kept.id))) continue;
    try {
      showKept(kept, await api.getUpload(kept.id));
    } catch (error) {
      if (error.status === 404) memory.forget(kept.id);
    }
  }
}

function showKept(kept, upload) {
  const item = Object.assign(addRow(kept.name), { kept, upload, total: kept.size });
  item.row.dataset.upload = kept.id;
  setState(item, "left");
  const sent = upload.parts.reduce((sum, part) => sum + part.size, 0);
  $("progress", item.row).value = sent / kept.size;
  note(item, `Stopped at ${Math.floor((sent / kept.size) * 100)} %. Choose the same file to continue.`);
}

function resume(item, file) {
  if (!file) return;
  const different = memory.difference(item.kept, file);
  if (different) {
    note(item, `${different} Choose the same file to continue.`);
    announce(different);
    return;
  }
  item.file = file;
  wait(item);
  $(".cancel", item.row).focus();
}

window.addEventListener("beforeunload", (event) => {
  if (sending) event.preventDefault();
});
