// What the row of an upload says.
import { $, announce, bytes, setText, timeLeft } from "../dom.js";

export function note({ row }, text) {
  setText($(".note", row), text);
}

export function nameButtons({ name, row }, word) {
  const button = $(".cancel", row);
  setText(button, word);
  button.setAttribute("aria-label", `${word} the upload of ${name}`);
  $(".again", row).setAttribute("aria-label", `Try the upload of ${name} again`);
  $(".choose input", row).setAttribute("aria-label", `Choose ${name} again to continue`);
}

/** Shows how much is sent, how fast, and how long the rest takes. */
export function showSent(item, sent) {
  const { row, speed, total } = item;
  $("progress", row).value = sent / total;
  speed.add(sent);
  if (row.dataset.state !== "sending") return;
  if (sent >= total) {
    note(item, `${bytes(total)} sent, storing…`); // the server puts the parts together
    return;
  }
  const rate = speed.perSecond;
  const facts = [`${bytes(sent)} of ${bytes(total)}`];
  if (rate > 0) facts.push(`${bytes(rate)}/s`, timeLeft((total - sent) / rate));
  note(item, facts.join(" · "));
}

/** Says that the upload waits, and for what; null: it goes on. */
export function showWaiting(item, waiting) {
  const { name, row, speed } = item;
  speed.clear();
  const before = row.dataset.state;
  row.dataset.state = waiting ? "paused" : "sending";
  if (!waiting) {
    if (before === "paused") announce(`${name}: the upload continues`);
    note(item, "Continuing…");
    return;
  }
  const { offline, error, seconds } = waiting;
  const words = offline
    ? "You are offline. The upload continues automatically when you are online again."
    : `${error.message} The upload continues automatically; next attempt in ${seconds} s.`;
  note(item, words);
  if (before !== "paused") announce(`${name}: ${words}`);
}
