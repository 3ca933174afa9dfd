// Entry point. Routes to the list (#/, #/?q=WORDS&state=STATE) or to one job (#/ID, #/ID?share=TOKEN).
import { address } from "./api.js";
import { $ } from "./dom.js";
import { showTrouble } from "./dialogs.js";
import { rowOf } from "./list.js";
import * as store from "./jobs_store.js";
import { showModels } from "./options.js";
import { showSearch } from "./search.js";
import * as session from "./session.js";
import { showUnfinished } from "./upload/queue.js";

let listScroll = 0;
let opened = null; // id of the job that was opened last
let detail = null; // the module of the job view, half of all script: loaded when the first job is opened
let begun = false;

function where() {
  const [, id, query] = location.hash.match(/^#\/([0-9a-f]{32})?(?:\?(.*))?$/) ?? [];
  return { id: id ?? null, query: new URLSearchParams(query) };
}

/** Loads the user's own jobs and uploads. A visitor with a share link needs none of them. */
function begin() {
  if (begun) return;
  begun = true;
  session.check();
  store.start();
  showUnfinished();
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
  if (where().id !== id) return; // the user has moved on meanwhile
  await detail?.showJob(id, share);
  document.title = id && store.get(id) ? `${store.get(id).name} – Poseway` : "Poseway";
  // On the first page the browser restores the scroll position itself.
  if (event) showPlace(id);
  opened = id;
}

/** Shows a job from its top, and the list where the user left it. */
function showPlace(id) {
  const row = opened && !id ? rowOf(opened) : null;
  scrollTo(0, id ? 0 : listScroll);
  row?.scrollIntoView({ block: "nearest" }); // off-screen rows have an estimated height only
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
