// The jobs that the page knows, kept up to date. Views listen to `changes`:
//   job {job, before}  a job is new or changed      drop {id}            a job is gone
//   listed {more}      a page of the list is here   trouble {message}    null when it is over
import * as api from "./api.js";

// HTTP/1.1 browsers open six connections per server, for all tabs together. So only two jobs have a
// stream; the others are looked up again and again.
const STREAMS = 2;
const SOON = 3_000;
const LATER = 30_000;

const jobs = new Map();
const streams = new Map();
const deleted = new Set();
const cancelling = new Set();
let openedId = null;
let cursor = null;
let listed = false;
let troubled = false;
let timer;

export const changes = new EventTarget();
const tell = (name, detail) => changes.dispatchEvent(new CustomEvent(name, { detail }));
export const on = (name, listener) => changes.addEventListener(name, (event) => listener(event.detail));

export const finished = (job) => job.state !== "queued" && job.state !== "running";
export const isCancelling = (job) => cancelling.has(job.id) && !finished(job);
export const get = (id) => jobs.get(id);
export const count = () => jobs.size;

const streamed = (id) => streams.get(id)?.readyState === EventSource.OPEN;

/** Takes in a job as the server showed it. */
export function put(job) {
  const before = jobs.get(job.id);
  // An answer may overtake a later one: what is finished stays finished, what is deleted stays so.
  if (deleted.has(job.id) || (before && finished(before) && !finished(job))) return;
  jobs.set(job.id, job);
  tell("job", { job, before });
  follow();
}

function drop(id) {
  if (jobs.delete(id)) tell("drop", { id });
  follow();
}

/** Opens and closes streams: the opened job first, then the oldest, which are the ones at work. */
function follow() {
  const ids = [...jobs.values()].filter((job) => !finished(job)).map((job) => job.id);
  ids.sort((a, b) => (b === openedId) - (a === openedId) || (a < b ? 1 : -1));
  const wanted = new Set(document.hidden ? [] : ids.slice(0, STREAMS));
  for (const [id, source] of streams) {
    if (wanted.has(id)) continue;
    source.close();
    streams.delete(id);
  }
  for (const id of wanted) {
    if (streams.has(id)) continue;
    const source = api.openEvents(jobs.get(id).links.events);
    source.addEventListener("job", (event) => put(api.readJob(JSON.parse(event.data))));
    streams.set(id, source);
  }
}

/** Looks at the newest jobs again: what has no stream, what others began, what others deleted. */
async function refresh() {
  if (!document.hidden) {
    try {
      const known = [...jobs.keys()];
      const page = await api.getJobs();
      merge(page, known);
      if (troubled) tell("trouble", { message: null });
      troubled = false;
    } catch (error) {
      tell("trouble", { message: `${error.message} This page keeps trying.` });
      troubled = true;
    }
  }
  // A stream that was refused is closed for good; the next turn tries another one.
  for (const [id, source] of streams) if (source.readyState === EventSource.CLOSED) streams.delete(id);
  follow();
  const waiting = !listed || [...jobs.values()].some((job) => !finished(job) && !streamed(job.id));
  clearTimeout(timer); // another refresh may have ended in the meantime
  timer = setTimeout(refresh, waiting ? SOON : LATER);
}

function merge(page, known) {
  const ids = new Set(page.jobs.map((job) => job.id));
  const last = page.next_cursor ? page.jobs.at(-1)?.id : "g"; // ids are hex: all sort before "g"
  for (const id of known) if (id <= last && !ids.has(id)) drop(id);
  for (const job of page.jobs) if (!streamed(job.id)) put(job);
  if (!listed) cursor = page.next_cursor;
  listed = true;
  tell("listed", { more: cursor !== null });
}

/** Gets the next page of older jobs. */
export async function loadMore() {
  const page = await api.getJobs({ cursor });
  cursor = page.next_cursor;
  page.jobs.forEach(put);
  tell("listed", { more: cursor !== null });
}

/** Says which job the user looks at (null: none), and returns it. */
export async function open(id) {
  openedId = id;
  if (id && !jobs.has(id)) put(await api.getJob(id));
  follow();
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

/** Begins; never ends. */
export function start() {
  document.addEventListener("visibilitychange", refresh);
  window.addEventListener("online", refresh);
  refresh();
}
