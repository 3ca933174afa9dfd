// The result of a still image: the image and the joint angles of its people.
import { $, element } from "../dom.js";
import { words } from "./skeleton.js";

export async function fillPicture(section, job, frames) {
  const image = $("img", section);
  $(".large", section).href = image.src = job.links.poster;
  const table = $("table", section);
  const frame = await frames.numbered(0).catch(() => null);
  const people = frame?.people.filter(({ angles }) => Object.values(angles ?? {}).some((value) => value !== null)) ?? [];
  if (!people.length) return;
  const names = Object.keys(people[0].angles);
  const head = (textContent, scope) => element("th", { textContent, scope });
  const rows = names.map((name) =>
    element(
      "tr",
      {},
      head(words(name), "row"),
      ...people.map(({ angles }) => element("td", { textContent: angles[name] === null ? "–" : `${angles[name].toFixed(0)}°` })),
    ),
  );
  $("thead", table).append(element("tr", {}, head("Joint", "col"), ...people.map(({ id }) => head(`Person ${id}`, "col"))));
  $("tbody", table).append(...rows);
  $(".measured", section).hidden = false;
}
