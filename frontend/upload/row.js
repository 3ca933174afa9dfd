// The text in the row of an upload.
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

/** Shows the amount sent, the speed and the remaining time. */
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

/** Shows that the upload is waiting to retry, and why; null: it has continued. */
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
