// The downloads of a result, and the facts about it.
import { fileUrl } from "../api.js";
import { bytes, duration, element, number } from "../dom.js";

const DOWNLOADS = {
  zip: ["Everything", "ZIP: all of these files"],
  video: ["Video", "MP4: with skeletons"],
  poster: ["Image", "JPEG: with skeletons"],
  background: ["Video without skeletons", "MP4: before they were drawn"],
  keypoints: ["Keypoints", "JSON Lines: one line per frame"],
};
const MANIFEST = ["Summary", "JSON: what was processed, and how"];

/** Returns titles and descriptions of export formats, in the form of DOWNLOADS. */
const named = (formats) =>
  Object.fromEntries(
    formats.map(({ name, file, title, contents }) => [name, [title, `${file.split(".").pop().toUpperCase()}: ${contents}`]]),
  );

export function fillDownloads(list, job, { files, frames }, formats) {
  const sizes = new Map(files.map((file) => [fileUrl(job, file.path), file.bytes]));
  const downloads = { ...DOWNLOADS, ...named(formats), manifest: MANIFEST };
  for (const [name, [title, words]] of Object.entries(downloads)) {
    const href = job.links[name];
    if (!href || (frames === 1 ? /video|background/ : /poster/).test(name)) continue;
    const size = sizes.get(href);
    const link = element("a", { href, download: "", textContent: title });
    const about = element("span", { className: "dim", textContent: size ? `${words}, ${bytes(size)}` : words });
    list.append(element("li", { className: name }, link, about));
  }
}

/** Returns width and height of the rendered video; for older results, those of the upload. */
export function videoSize({ source, video_width, video_height }) {
  return video_width ? { width: video_width, height: video_height } : { width: source.width, height: source.height };
}

export function fillFacts(list, manifest) {
  const { source, options, model, people, tracks, frames } = manifest;
  const made = videoSize(manifest);
  const facts = {
    People: frames === 1 ? number(people) : `at most ${number(people)} at once`,
    Tracks: number(tracks), // a person who leaves and returns may get a second track
    Length: `${duration(manifest.duration_seconds)}, ${number(frames)} frames`,
    Resolution: `${source.width} × ${source.height}`,
    Sound: manifest.audio_codec ? "kept" : "none",
    Smoothing: options.smoothing ?? "off",
    Model: options.accurate ? `${model.name}, accurate` : model.name,
    Engine: `${model.engine} on ${model.device}`,
  };
  if (frames === 1) for (const name of ["Tracks", "Length", "Sound", "Smoothing"]) delete facts[name];
  if (made.width < source.width - 1) facts["Scaled to"] = `${made.width} × ${made.height}`;
  if (manifest.seconds.total) facts["Took"] = duration(manifest.seconds.total);
  for (const [term, text] of Object.entries(facts)) {
    list.append(element("div", {}, element("dt", { textContent: term }), element("dd", { textContent: text })));
  }
}
