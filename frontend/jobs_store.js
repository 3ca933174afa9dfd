// The jobs that the page knows, kept up to date by one event stream. Views subscribe with `on`:
//   job {job, before}  a job is new or has changed  drop {id}  a job was deleted
//   missed             events may have been missed: fetch the list again
import * as api from "./api.js";

// Polling interval for the list while there is no stream, because a proxy may block it; milliseconds.
const POLL = 5_000;

const jobs = new Map();
const deleted = new Set();
const cancelling = new Set();
let stream = null; // of all jobs of the signed-in user
let shared = null; // of the one job opened by a share link, until it has finished
let timer;

const changes = new EventTarget();
const notify = (name, detail) => changes.dispatchEvent(new CustomEvent(name, { detail }));
export const on = (name, listener) => changes.addEventListener(name, (event) => listener(event.detail));

export const finished = (job) => job.state !== "queued" && job.state !== "running";
export const isCancelling = (job) => cancelling.has(job.id) && !finished(job);
export const get = (id) => jobs.get(id);
export const known = () => [...jobs.values()];

/** Whether the stream is open, so that the list need not be polled. */
const isLive = () => stream?.readyState === EventSource.OPEN;

/** Stores a job as the server returned it. */
export function put(job) {
  const before = jobs.get(job.id);
  // Responses may arrive out of order: a finished job stays finished and a deleted one stays deleted.
  if (deleted.has(job.id) || (before && finished(before) && !finished(job))) return;
  jobs.set(job.id, job);
  notify("job", { job, before });
}

/** Removes a job that no longer exists. */
export function drop(id) {
  if (jobs.delete(id)) notify("drop", { id });
}

const read = (event) => api.readJob(JSON.parse(event.data));

/** Follows all jobs. The browser reopens a broken stream and receives what it missed (Last-Event-ID). */
function follow() {
  stream?.close();
  let opened = false;
  stream = api.openEvents();
  stream.addEventListener("open", () => {
    if (!opened) notify("missed");
    opened = true;
  });
  stream.addEventListener("job", (event) => put(read(event)));
  stream.addEventListener("gone", (event) => {
    const { id } = JSON.parse(event.data);
    deleted.add(id);
    drop(id);
  });
  stream.addEventListener("reset", () => notify("missed"));
}

/** Follows the shared job. Its stream starts with the current state, so nothing is missed. */
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

/** Reopens streams that the server refused, which the browser does not retry, and polls without one. */
function poll() {
  clearTimeout(timer);
  if (!(stream || shared) || document.hidden) return;
  if (isClosed(stream)) follow();
  if (isClosed(shared)) followShared(shared.url);
  if (stream && !isLive()) notify("missed");
  timer = setTimeout(poll, POLL);
}

/**
 * Sets the job that the user views (null: none) and returns it.
 *
 * @param {string | null} id
 * @param {string | null} share the token of a share link, which replaces signing in
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

/** Deletes a finished job; cancels one that has not finished. */
export async function remove(job) {
  if (!finished(job)) cancelling.add(job.id);
  notify("job", { job, before: job });
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

/** Starts following the jobs, afresh if the user has changed. */
export function start() {
  for (const id of [...jobs.keys()]) drop(id);
  deleted.clear();
  cancelling.clear();
  follow();
  poll();
}

/** Stops following the jobs after the user has signed out. */
export function stop() {
  stream?.close();
  stream = null;
  clearTimeout(timer);
}

// Over HTTP/1.1 a browser opens at most six connections to a server, shared by all tabs, so a hidden tab
// closes its own.
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) {
    poll();
    return;
  }
  stream?.close();
  shared?.close();
});
window.addEventListener("online", poll);
