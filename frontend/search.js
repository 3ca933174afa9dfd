// The content of the list: all jobs or the matches of a search, loaded page by page.
import * as api from "./api.js";
import { $, debounce } from "./dom.js";
import { showTrouble } from "./dialogs.js";
import { offerSample } from "./form.js";
import * as list from "./list.js";
import * as store from "./jobs_store.js";

const PAGE = 50;
const MOST = 100; // the server's limit for one page

const form = $("#search");
const more = $("#more");
const loading = $("#loading");

let asked = { q: "", states: [] };
let cursor = null; // of the next page
let loaded = false;
let turn = 0; // number of the current search: responses to earlier ones are ignored
let troubled = false;

const isSearch = () => asked.q !== "" || asked.states.length > 0;

/** Whether a job matches the search and belongs to the pages loaded so far. */
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
  // Without jobs there is no search field.
  form.hidden = !loaded || (none && !isSearch());
  more.hidden = cursor === null;
  if (!$("#empty").hidden) offerSample();
}

// --- loading --------------------------------------------------------------------------------------

/** Reloads the list: as many jobs as are shown, at least one page. */
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

/** Shows the loaded jobs. Keeps jobs that arrived through the stream while they were loading. */
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
  if (error.status === 401) return; // the sign-in form is already shown
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

// Loads the next page before the user scrolls to the end.
const end = new IntersectionObserver((entries) => entries.at(-1).isIntersecting && loadMore(), {
  rootMargin: "1000px",
});

/** Observes the end of the list anew: an observer reports an end that stays in view only once. */
function watchEnd() {
  end.unobserve(more);
  end.observe(more);
}

// --- the search in the address --------------------------------------------------------------------

/** Returns the address's fragment for a search. */
function write({ q, state }) {
  const query = new URLSearchParams();
  if (q) query.set("q", q);
  if (state) query.set("state", state);
  return `#/${query.size ? `?${query}` : ""}`;
}

/** Shows the search that the address contains. */
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
  // A search is one entry in the history, however many letters were typed.
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
