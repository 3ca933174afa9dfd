// What the list shows: all jobs, or those that were searched for, a page after the other.
import * as api from "./api.js";
import { $, debounce } from "./dom.js";
import { showTrouble } from "./dialogs.js";
import { offerSample } from "./form.js";
import * as list from "./list.js";
import * as store from "./jobs_store.js";

const PAGE = 50;
const MOST = 100; // that the server gives at once

const form = $("#search");
const more = $("#more");
const loading = $("#loading");

let asked = { q: "", states: [] };
let cursor = null; // of the next page
let loaded = false;
let turn = 0; // answers of an earlier turn are of no more interest
let troubled = false;

const isSearch = () => asked.q !== "" || asked.states.length > 0;

/** Whether a job is one of those that were asked for, and not among the pages still to come. */
function belongs(job) {
  if (!loaded || (cursor && job.id > cursor)) return false;
  if (asked.states.length && !asked.states.includes(job.state)) return false;
  const text = asked.q.toLowerCase();
  return job.name.toLowerCase().includes(text) || job.id.startsWith(text);
}

function showLists() {
  const none = loaded && list.size() === 0;
  loading.hidden = loaded;
  $("#jobs").hidden = list.size() === 0;
  $("#jobs").removeAttribute("aria-busy");
  $("#empty").hidden = !none || isSearch();
  $("#nothing").hidden = !none || !isSearch();
  // Where there is nothing to search in, there is nothing to search with.
  form.hidden = !loaded || (none && !isSearch());
  more.hidden = cursor === null;
  if (!$("#empty").hidden) offerSample();
}

// --- what the server has --------------------------------------------------------------------------

/** Gets the list again, as far as it was shown, and at least the first page. */
async function load() {
  turn += 1;
  const mine = turn;
  const wanted = Math.max(list.size(), PAGE);
  const before = new Set(store.known().map(({ id }) => id));
  const found = new Map();
  let next = null;
  try {
    do {
      const page = await api.getJobs({ ...asked, cursor: next, limit: list.size() > PAGE ? MOST : PAGE });
      if (mine !== turn) return;
      for (const job of page.jobs) found.set(job.id, job);
      next = page.next_cursor;
    } while (next && found.size < wanted);
  } catch (error) {
    if (mine === turn) fail(error);
    return;
  }
  take(found, before, next);
  recover();
}

/** Shows what was found. What was not known before it was asked for, came while it was. */
function take(found, before, next) {
  cursor = next;
  loaded = true;
  const isGone = (id) => before.has(id) && !found.has(id);
  list.sift((id) => !isGone(id));
  for (const job of found.values()) store.put(job);
  if (!isSearch() && !cursor) for (const id of before) if (isGone(id)) store.drop(id);
  showLists();
  watchEnd();
}

async function loadMore() {
  if (more.disabled || cursor === null) return;
  const mine = turn;
  const last = list.lastRow();
  const focused = document.activeElement === more;
  more.disabled = true;
  try {
    const page = await api.getJobs({ ...asked, cursor, limit: PAGE });
    if (mine !== turn) return;
    cursor = page.next_cursor;
    page.jobs.forEach(store.put);
    showLists();
    watchEnd();
    if (focused) $("a", last?.nextElementSibling ?? $("#jobs"))?.focus();
    recover();
  } catch (error) {
    if (mine === turn) fail(error);
  } finally {
    more.disabled = false;
  }
}

function fail(error) {
  loading.hidden = true;
  if (error.status === 401) return; // a key is being asked for
  showTrouble(`${error.message} This page keeps trying.`);
  troubled = true;
}

function recover() {
  if (troubled) showTrouble(null);
  troubled = false;
}

store.on("missed", load);

store.on("job", ({ job }) => {
  if (belongs(job)) list.show(job);
  else list.hide(job.id);
  if (loaded) showLists();
});

store.on("drop", ({ id }) => {
  list.hide(id);
  if (loaded) showLists();
});

more.addEventListener("click", loadMore);

// Further down without a click, before the end is in sight.
const end = new IntersectionObserver((told) => told.at(-1).isIntersecting && loadMore(), {
  rootMargin: "1000px",
});

/** Looks where the end of the list is now; an end that stays in sight is not told again by itself. */
function watchEnd() {
  end.unobserve(more);
  end.observe(more);
}

// --- what was asked for ---------------------------------------------------------------------------

/** The part of the address after "#/" that says what the list shows. */
function write({ q, state }) {
  const query = new URLSearchParams();
  if (q) query.set("q", q);
  if (state) query.set("state", state);
  return `#/${query.size ? `?${query}` : ""}`;
}

/** Shows what the address asks for. */
export function showSearch(query) {
  const q = query.get("q") ?? "";
  const state = query.get("state") ?? "";
  if (form.elements.q.value.trim() !== q) form.elements.q.value = q;
  form.elements.state.value = state;
  const states = form.elements.state.value.split(" ").filter(Boolean);
  if (q === asked.q && String(states) === String(asked.states)) return;
  asked = { q, states };
  $("#jobs").setAttribute("aria-busy", "true");
  load();
}

function search() {
  const to = write({ q: form.elements.q.value.trim(), state: form.elements.state.value });
  if (to === (location.hash || "#/")) return;
  // A search is one step back, however many letters it has.
  if (isSearch()) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  showSearch(new URLSearchParams(to.split("?")[1]));
}

form.elements.q.addEventListener("input", debounce(search, 250));
form.elements.state.addEventListener("change", search);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  search();
});
$("#clear").addEventListener("click", () => {
  form.reset();
  search();
  form.elements.q.focus();
});
