// Entry: shows the list (#/) or one job (#/ID).
import { $ } from "./dom.js";
import { showJob } from "./detail.js";
import { showTrouble } from "./dialogs.js";
import * as live from "./live.js";
import "./list.js";
import "./upload.js";

let listScroll = 0;

async function route(event) {
  const id = location.hash.match(/^#\/([0-9a-f]{32})$/)?.[1] ?? null;
  const home = $("#home");
  if (!home.hidden && id) listScroll = scrollY;
  home.hidden = id !== null;
  $("#detail").hidden = id === null;
  showTrouble(null);
  await showJob(id);
  document.title = id && live.get(id) ? `${live.get(id).name} – Poseway` : "Poseway";
  if (!event) return; // the first page: the browser knows where to scroll
  scrollTo(0, id ? 0 : listScroll);
  if (!id) $("#jobs-title").focus({ preventScroll: true });
}

live.on("trouble", ({ message }) => showTrouble(message));
window.addEventListener("hashchange", route);
route();
live.start();
