// Entry: shows the list (#/, #/?q=WORDS&state=STATE) or one job (#/ID, #/ID?share=TOKEN).
import { address } from "./api.js";
import { $ } from "./dom.js";
import { showTrouble } from "./dialogs.js";
import { rowOf } from "./list.js";
import * as store from "./jobs_store.js";
import { showModels } from "./options.js";
import { showSearch } from "./search.js";
import * as session from "./session.js";
import { showLeft } from "./upload/queue.js";

let listScroll = 0;
let opened = null; // the job that was opened last
let detail = null; // half of the script: loaded when a job is opened
let begun = false;

function where() {
  const [, id, query] = location.hash.match(/^#\/([0-9a-f]{32})?(?:\?(.*))?$/) ?? [];
  return { id: id ?? null, query: new URLSearchParams(query) };
}

/** Begins to show what the user has. Whoever only follows a shared link asks for nothing of this. */
function begin() {
  if (begun) return;
  begun = true;
  session.check();
  store.start();
  showLeft();
  showModels();
}

async function route(event) {
  const { id, query } = where();
  const share = id && query.get("share");
  const home = $("#home");
  if (!share) begin();
  if (session.isAsking() && !share) return;
  if (!home.hidden && id) listScroll = scrollY;
  home.hidden = id !== null;
  $("#detail").hidden = id === null;
  showTrouble(null);
  if (!id) showSearch(query);
  if (id) detail ??= await import("./detail.js");
  if (where().id !== id) return; // on the way elsewhere since
  await detail?.showJob(id, share);
  document.title = id && store.get(id) ? `${store.get(id).name} – Poseway` : "Poseway";
  // The first page: the browser knows where to scroll.
  if (event) showPlace(id);
  opened = id;
}

/** Begins a job at its top, and comes back to where the list was left. */
function showPlace(id) {
  const row = opened && !id ? rowOf(opened) : null;
  scrollTo(0, id ? 0 : listScroll);
  row?.scrollIntoView({ block: "nearest" }); // rows out of sight have no height yet, only a guess
  if (!id) (row ? $("a", row) : $("#jobs-title")).focus({ preventScroll: true });
}

session.onChange((isSignedIn) => {
  if (isSignedIn) {
    route();
    return;
  }
  begun = false;
  store.stop();
  $("#home").hidden = $("#detail").hidden = true;
});

$("#docs").href = address("/docs");
window.addEventListener("hashchange", route);
route();
