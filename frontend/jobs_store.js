// The jobs that the page knows, kept up to date by one stream. Views listen with `on`:
//   job {job, before}  a job is new or changed      drop {id}            a job is gone
//   missed             list again: something may have been missed
import * as api from "./api.js";

// Without a stream (a proxy may not let one through), the list is looked at again and again.
const AGAIN = 5_000;

const jobs = new Map();
const deleted = new Set();
const cancelling = new Set();
let stream = null; // of all jobs of whoever is signed in
let shared = null; // of the one job that somebody shared, until it has ended
let timer;

const changes = new EventTarget();
const tell = (name, detail) => changes.dispatchEvent(new CustomEvent(name, { detail }));
export const on = (name, listener) => changes.addEventListener(name, (event) => listener(event.detail));

export const finished = (job) => job.state !== "queued" && job.state !== "running";
export const isCancelling = (job) => cancelling.has(job.id) && !finished(job);
export const get = (id) => jobs.get(id);
export const known = () => [...jobs.values()];

/** Whether the stream is there, so that nothing needs to be looked at again. */
const isLive = () => stream?.readyState === EventSource.OPEN;

/** Takes in a job as the server showed it. */
export function put(job) {
  const before = jobs.get(job.id);
  // An answer may overtake a later one: what is finished stays finished, what is deleted stays so.
  if (deleted.has(job.id) || (before && finished(before) && !finished(job))) return;
  jobs.set(job.id, job);
  tell("job", { job, before });
}

/** Takes out a job that is not there any more. */
export function drop(id) {
  if (jobs.delete(id)) tell("drop", { id });
}

const read = (event) => api.readJob(JSON.parse(event.data));

/** Follows all jobs. A broken stream comes back by itself and gets what was missed (Last-Event-ID). */
function follow() {
  stream?.close();
  let opened = false;
  stream = api.openEvents();
  stream.addEventListener("open", () => {
    if (!opened) tell("missed");
    opened = true;
  });
  stream.addEventListener("job", (event) => put(read(event)));
  stream.addEventListener("gone", (event) => {
    const { id } = JSON.parse(event.data);
    deleted.add(id);
    drop(id);
  });
  stream.addEventListener("reset", () => tell("missed"));
}

/** Follows the shared job: its events begin with how it stands, so nothing is missed. */
function followShared(events) {
  shared = api.openEvents(events);
  shared.addEventListener("job", (event) => {
    const job = read(event);
    if (finished(job)) endShared();
    put(job);
  });
}

function endShared() {
  shared?.close();
  shared = null;
}

const isClosed = (source) => source?.readyState === EventSource.CLOSED;

/** Looks after the streams: one that was refused is closed for good. */
function poll() {
  clearTimeout(timer);
  if (!(stream || shared) || document.hidden) return;
  if (isClosed(stream)) follow();
  if (isClosed(shared)) followShared(shared.url);
  if (stream && !isLive()) tell("missed");
  timer = setTimeout(poll, AGAIN);
}

/**
 * Says which job the user looks at (null: none), and returns it.
 *
 * @param {string | null} id
 * @param {string | null} share the token of a shared link: whoever has it need not be signed in
 */
export async function open(id, share = null) {
  endShared();
  if (id && (share || !jobs.has(id))) put(await api.getJob(id, share));
  if (share && !finished(jobs.get(id))) {
    endShared();
    followShared(jobs.get(id).links.events);
    poll();
  }
  return jobs.get(id);
}

/** Deletes a finished job, or has another one cancelled. */
export async function remove(job) {
  if (!finished(job)) cancelling.add(job.id);
  tell("job", { job, before: job });
  try {
    const { gone } = await api.deleteJob(job.id);
    if (!gone) return;
  } catch (error) {
    cancelling.delete(job.id);
    if (error.status !== 404) throw error;
  }
  deleted.add(job.id);
  drop(job.id);
}

/** Begins, or begins anew for somebody else. */
export function start() {
  for (const id of [...jobs.keys()]) drop(id);
  deleted.clear();
  cancelling.clear();
  follow();
  poll();
}

/** Ends: nobody is signed in. */
export function stop() {
  stream?.close();
  stream = null;
  clearTimeout(timer);
}

// HTTP/1.1 browsers open six connections per server, for all tabs together: a tab that nobody looks at
// keeps none of them.
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) {
    poll();
    return;
  }
  stream?.close();
  shared?.close();
});
window.addEventListener("online", poll);
