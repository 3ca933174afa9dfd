// The view of a finished result, assembled from its parts.
import { getFile, getFormats, getManifest } from "../api.js";
import { $, copy, element, setText } from "../dom.js";
import { fillDownloads, fillFacts, videoSize } from "./downloads.js";
import { Frames } from "./frames.js";
import { fillGallery, fillSheet, pictures } from "./gallery.js";
import { listen } from "./keys.js";
import { ViewOptions } from "./view_options.js";
import { Overlay } from "./overlay.js";
import { fillPicture } from "./picture.js";
import { Player } from "./player.js";
import { fillPlots } from "./plots.js";
import { fillTimeline } from "./timeline.js";

/** Returns the content of tracks.json; no tracks if it cannot be loaded, as in older results. */
async function getTracks(job, { files, frames, duration_seconds }) {
  const none = { frames, duration_seconds, tracks: [] };
  if (!files.some(({ path }) => path === "tracks.json")) return none;
  return getFile(job, "tracks.json").catch(() => none);
}

/** Loads a result. Resolves to a function that shows it in a node and returns one that closes it. */
export async function loadResult(job) {
  const [manifest, formats] = await Promise.all([getManifest(job), getFormats(job)]);
  const tracks = await getTracks(job, manifest);
  return (node) => show(node, job, manifest, formats, tracks);
}

function show(node, job, manifest, formats, tracks) {
  const result = copy("result-template");
  const part = (name) => $(name, result);
  part(".nobody").hidden = manifest.people > 0;
  part(".warnings").hidden = manifest.warnings.length === 0;
  part(".warnings").append(...manifest.warnings.map((textContent) => element("li", { textContent })));
  fillDownloads(part(".downloads"), job, manifest, formats);
  fillFacts(part(".facts"), manifest);
  fillSheet(part(".sheet"), job, manifest);

  const frames = new Frames(job, manifest);
  if (manifest.frames === 1) {
    part(".player").remove();
    fillPicture(part(".picture"), job, frames);
    fillGallery(part(".stills"), pictures(job, manifest, "stills", "Person"));
    node.replaceChildren(result);
    return () => {};
  }
  part(".picture").remove();
  const player = new Player(part(".screen"), frames);
  const ends = fillPlayer(result, job, manifest, tracks, player);
  const go = ({ frame }) => {
    $(".screen", node).scrollIntoView({ block: "nearest" });
    $('[data-do="play"]', node).focus({ preventScroll: true });
    player.goTo(frame);
  };
  fillGallery(part(".stills"), stills(job, manifest, tracks), go);
  fillGallery(part(".shots"), screenshots(job, manifest), go);
  node.replaceChildren(result);
  return () => ends.forEach((end) => end());
}

/** Fills the player and the sections that follow it. Returns the functions to call when it closes. */
function fillPlayer(result, job, manifest, tracks, player) {
  const view = new ViewOptions($(".looks", result), { background: Boolean(job.links.background), ids: job.options.ids ?? true });
  const overlay = new Overlay(player, view, manifest);
  const { width, height } = videoSize(manifest);
  Object.assign(player.video, { width, height, poster: job.links.poster ?? "" });
  player.video.addEventListener("loadeddata", () => player.video.removeAttribute("poster"), { once: true });
  $('[data-do="mute"]', result).hidden = !manifest.audio_codec;

  const source = () => (view.mode === "live" ? job.links.background : job.links.video);
  let shown = null;
  const choose = () => {
    if (source() !== shown) player.show((shown = source()));
  };
  view.addEventListener("change", choose);
  choose();

  fillTimeline($(".timeline", result), tracks, manifest.cuts ?? [], player, view);
  fillPlots($(".plots", result), tracks, player, () => overlay.aspect);
  showTrouble($(".frames-trouble", result), player.frames);

  const help = $("#shortcuts");
  $(".help", result).addEventListener("click", () => help.showModal());
  return [listen(player, view, help), () => overlay.close(), () => player.close()];
}

/** Shows next to the player why skeletons are missing, until they are loaded. */
function showTrouble(node, frames) {
  frames.addEventListener("trouble", ({ detail }) => {
    node.hidden = false;
    setText(node, `The skeletons cannot be shown: ${detail}`);
  });
  frames.addEventListener("load", () => (node.hidden = true));
}

function stills(job, manifest, { tracks }) {
  const first = new Map(tracks.map(({ id, spans }) => [id, spans[0]?.[0]]));
  return pictures(job, manifest, "stills", "Person").map((shot) => ({
    ...shot,
    frame: first.get(shot.index),
    go: "Go to this person's first frame",
  }));
}

const screenshots = (job, manifest) =>
  pictures(job, manifest, "screenshots", "Frame").map((shot) => ({
    ...shot,
    ...videoSize(manifest),
    frame: shot.index,
    go: "Go to this frame",
  }));
