// The page of one job.
import * as api from "./api.js";
import { $, bytes, copy, duration, element, number, setText } from "./dom.js";
import { removeJob, showTrouble, viewPicture } from "./dialogs.js";
import * as live from "./live.js";
import { drawTimeline } from "./timeline.js";
import { fill } from "./view.js";

const page = $("#detail");
const GALLERY_PAGE = 60;

const DOWNLOADS = {
  video: ["Video", "MP4: with skeletons"],
  keypoints: ["Keypoints", "JSON Lines: a line per frame"],
  csv: ["Keypoints as a table", "CSV: a row per person and frame"],
  openpose: ["Keypoints for OpenPose tools", "ZIP: a JSON file per frame"],
  coco: ["Keypoints for COCO tools", "JSON: a result per person and frame"],
  trc: ["Keypoints for OpenSim", "ZIP: a TRC file per person"],
  angles: ["Angles of joints", "CSV: a row per person and frame"],
  manifest: ["Summary", "JSON: what was done, and how"],
};

const NOTES = {
  queued: "This job waits for a free worker. You may close this page: it goes on without it.",
  cancelled: "This job was cancelled. Nothing of it was kept.",
};

let shownId = null;
let resultId = null;

/** Shows a job; null closes the page. */
export async function showJob(id) {
  shownId = id;
  resultId = null;
  close();
  let job;
  try {
    job = await live.open(id);
  } catch (error) {
    if (shownId === id) page.append(copy("missing-template"));
    setText($(".error", page), error.message);
  }
  if (!job || shownId !== id) return;
  page.append(copy("detail-template"));
  $(".remove", page).addEventListener("click", () => removeJob(id, () => location.assign("#/")));
  update(job);
  $("h1", page).focus({ preventScroll: true });
}

function close() {
  // A video that has left the page would go on loading.
  const video = $("video", page);
  video?.removeAttribute("src");
  video?.load();
  page.replaceChildren();
}

live.on("job", ({ job }) => {
  if (job.id !== shownId) return;
  if ($("h1", page)) update(job);
  else if ($(".error", page)) showJob(shownId); // it could not be shown before
});

live.on("drop", ({ id }) => {
  if (id === shownId) location.assign("#/");
});

function update(job) {
  fill(page, job);
  $(".note", page).hidden = !(job.state in NOTES);
  setText($(".note", page), NOTES[job.state] ?? "");
  if (job.state === "succeeded" && resultId !== job.id) showResult(job);
}

async function showResult(job) {
  resultId = job.id;
  try {
    const manifest = await api.getManifest(job);
    const tracks = await getTracks(job, manifest);
    if (shownId !== job.id) return;
    // Nothing is waited for from here on: a video that is not in the page yet does not load.
    const result = copy("result-template");
    $(".nobody", result).hidden = manifest.people > 0;
    $(".warnings", result).hidden = manifest.warnings.length === 0;
    $(".warnings", result).append(...manifest.warnings.map((textContent) => element("li", { textContent })));
    fillVideo(result, job, manifest);
    fillDownloads($(".downloads", result), job, manifest);
    fillFacts($(".facts", result), manifest);
    fillGallery($(".stills", result), stills(job, manifest));
    fillGallery($(".shots", result), screenshots(job, manifest));
    fillSheet($(".sheet", result), job, manifest);
    if (tracks) drawTimeline($(".timeline", result), tracks);
    $(".result", page).replaceChildren(result);
    $(".result", page).hidden = false;
  } catch (error) {
    resultId = null;
    showTrouble(error.message);
  }
}

/** What tracks.json holds; null where it cannot be had, as of an older result. The rest is shown then. */
async function getTracks(job, { files }) {
  if (!files.some(({ path }) => path === "tracks.json")) return null;
  return api.getFile(job, "tracks.json").catch(() => null);
}

/** Width and height of the video that was made; older results have the upload's. */
function videoSize({ source, video_width, video_height }) {
  return video_width ? { width: video_width, height: video_height } : { width: source.width, height: source.height };
}

function fillVideo(result, job, manifest) {
  const video = $("video", result);
  const unplayable = $(".unplayable", result);
  Object.assign(video, { ...videoSize(manifest), poster: job.links.poster ?? "" });
  video.addEventListener("error", () => (unplayable.hidden = false));
  video.src = job.links.video;
}

function fillDownloads(list, job, { files }) {
  const sizes = new Map(files.map((file) => [api.fileUrl(job, file.path), file.bytes]));
  for (const [name, [title, words]] of Object.entries(DOWNLOADS)) {
    const href = job.links[name];
    if (!href) continue;
    const size = sizes.get(href);
    list.append(
      element(
        "li",
        {},
        element("a", { href, download: "", textContent: title }),
        element("span", { className: "dim", textContent: size ? `${words}, ${bytes(size)}` : words }),
      ),
    );
  }
}

function fillFacts(list, manifest) {
  const { source, options, model, people, tracks } = manifest;
  const made = videoSize(manifest);
  const facts = {
    People: `at most ${number(people)} at once`,
    Tracks: number(tracks), // somebody who leaves and comes back may get a second one
    Length: `${duration(manifest.duration_seconds)}, ${number(manifest.frames)} frames`,
    Picture: `${source.width} × ${source.height}`,
    Sound: manifest.audio_codec ? "kept" : "none",
    Smoothing: options.smoothing ?? "off",
    Model: options.accurate ? `${model.name}, accurate` : model.name,
    Engine: `${model.engine} on ${model.device}`,
  };
  if (made.width !== source.width) facts["Scaled to"] = `${made.width} × ${made.height}`;
  if (manifest.seconds.total) facts["Took"] = duration(manifest.seconds.total);
  for (const [term, text] of Object.entries(facts)) {
    list.append(element("div", {}, element("dt", { textContent: term }), element("dd", { textContent: text })));
  }
}

/** The pictures in a folder of the result, by the number in their names. */
function pictures(job, { files }, folder, word) {
  return files
    .filter(({ path }) => path.startsWith(`${folder}/`))
    .map(({ path }) => ({ src: api.fileUrl(job, path), index: Number(path.match(/(\d+)\.\w+$/)?.[1]) }))
    .sort((a, b) => a.index - b.index)
    .map(({ src, index }) => ({ src, label: `${word} ${number(index)}` }));
}

const stills = (job, manifest) => pictures(job, manifest, "stills", "Track");

const screenshots = (job, manifest) =>
  pictures(job, manifest, "screenshots", "Frame").map((shot) => ({ ...shot, ...videoSize(manifest) }));

function fillSheet(link, job, { files }) {
  const sheet = files.find(({ path }) => path === "contact_sheet.jpg");
  link.hidden = !sheet;
  if (sheet) link.href = api.fileUrl(job, sheet.path);
}

function fillGallery(section, shots) {
  section.hidden = shots.length === 0;
  setText($(".count", section), number(shots.length));

  const gallery = $(".gallery", section);
  const more = $(".more", section);
  const add = () => {
    const from = gallery.children.length;
    shots.slice(from, from + GALLERY_PAGE).forEach((shot, index) => {
      gallery.append(thumbnail(shot, () => viewPicture(shots, from + index)));
    });
    more.hidden = gallery.children.length === shots.length;
    return gallery.children[from];
  };
  more.addEventListener("click", () => $("button", add()).focus());
  add();
}

function thumbnail({ label, ...picture }, onClick) {
  const image = element("img", { alt: "", loading: "lazy", ...picture });
  const button = element("button", { type: "button", className: "shot" }, image, label);
  button.addEventListener("click", onClick);
  return element("li", {}, button);
}
