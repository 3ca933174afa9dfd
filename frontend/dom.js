// Helpers for elements and for formatting. Data enters the page as text only, never as markup.

export const $ = (selector, root = document) => root.querySelector(selector);

/** Returns a copy of a <template>'s content. */
export const copy = (id) => document.getElementById(id).content.cloneNode(true);

/** Creates an element. Strings among the children become text nodes. */
export function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

/** Sets text only if it changes, so that screen readers and selections are not disturbed. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Announces a text to screen readers. */
export const announce = (text) => setText($("#announcer"), text);

export function bytes(count) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  const power = Math.min(Math.floor(Math.log10(Math.max(count, 1)) / 3), units.length - 1);
  return new Intl.NumberFormat("en", {
    style: "unit",
    unit: units[power],
    unitDisplay: power ? "short" : "long",
    maximumSignificantDigits: 3,
  }).format(count / 1000 ** power);
}

/** 5.04 -> "5 s", 100 -> "1 min 40 s", 4000 -> "1 h 7 min". */
export function duration(seconds) {
  const whole = Math.round(seconds);
  if (whole < 10) return `${Math.round(seconds * 10) / 10} s`;
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Formats the remaining time, rounded as befits an estimate. */
export function timeLeft(seconds) {
  if (seconds < 5) return "a few seconds left";
  if (seconds < 55) return `about ${Math.ceil(seconds / 5) * 5} s left`;
  if (seconds < 3570) return `about ${Math.round(seconds / 60)} min left`;
  return `about ${duration(seconds)} left`;
}

export const number = (value) => value.toLocaleString("en");

/** "14:03" today, "11 Jun, 14:03" this year, "11 Jun 2024, 14:03" earlier. */
export function moment(date) {
  const today = new Date();
  const clock = { hour: "2-digit", minute: "2-digit" };
  if (date.toDateString() === today.toDateString()) return date.toLocaleTimeString("en-GB", clock);
  const year = date.getFullYear() === today.getFullYear() ? undefined : "numeric";
  return date.toLocaleString("en-GB", { ...clock, day: "numeric", month: "short", year });
}

/** Delays an action until it has not been called for some time. */
export function debounce(action, milliseconds) {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, milliseconds);
  };
}
