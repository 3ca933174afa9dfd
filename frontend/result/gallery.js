// Galleries: the images in a folder of the result, as thumbnails.
import { fileUrl } from "../api.js";
import { $, element, number, setText } from "../dom.js";
import { viewPicture } from "../dialogs.js";

const PAGE = 60;

/** Returns the images in a folder of the result, sorted by the number in their names. */
export function pictures(job, { files }, folder, word) {
  return files
    .filter(({ path }) => path.startsWith(`${folder}/`))
    .map(({ path }) => ({ src: fileUrl(job, path), index: Number(path.match(/(\d+)\.\w+$/)?.[1]) }))
    .sort((a, b) => a.index - b.index)
    .map(({ src, index }) => ({ src, index, label: `${word} ${number(index)}` }));
}

/** Fills a section with thumbnails. Calls `onGo` with the image to be shown in the player. */
export function fillGallery(section, shots, onGo) {
  section.hidden = shots.length === 0;
  setText($(".count", section), number(shots.length));

  const gallery = $(".gallery", section);
  const more = $(".more", section);
  const add = () => {
    const from = gallery.children.length;
    shots.slice(from, from + PAGE).forEach((shot, index) => {
      gallery.append(thumbnail(shot, () => viewPicture(shots, from + index, onGo)));
    });
    more.hidden = gallery.children.length === shots.length;
    return gallery.children[from];
  };
  more.addEventListener("click", () => $("button", add()).focus());
  add();
}

function thumbnail({ label, src, width, height }, onClick) {
  const image = element("img", { alt: "", loading: "lazy", ...(width && { width, height }), src });
  const button = element("button", { type: "button", className: "shot" }, image, label);
  button.addEventListener("click", onClick);
  return element("li", {}, button);
}

/** Links to the contact sheet, if there is one. */
export function fillSheet(link, job, { files }) {
  const sheet = files.find(({ path }) => path === "contact_sheet.jpg");
  link.hidden = !sheet;
  if (sheet) link.href = fileUrl(job, sheet.path);
}
