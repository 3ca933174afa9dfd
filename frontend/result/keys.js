// Keys of the result view. They can be switched off: speech input and some keyboards press letters by accident.
import { $ } from "../dom.js";

const SETTING = "poseway-shortcuts";
const TYPES = 'input:not([type="range"], [type="checkbox"]), textarea, select, [contenteditable]';
const PRESSED = 'button, a, summary, input:not([type="range"])';

/** What keys do that stand for a place in the video; also where nothing else may take keys. */
function seekKeys(player) {
  return {
    ArrowLeft: ({ shiftKey }) => (shiftKey ? player.seek(player.time - 1) : player.step(-1)),
    ArrowRight: ({ shiftKey }) => (shiftKey ? player.seek(player.time + 1) : player.step(1)),
    PageDown: () => player.seek(player.time - player.seconds / 10),
    PageUp: () => player.seek(player.time + player.seconds / 10),
    Home: () => player.goTo(0),
    End: () => player.goTo(player.frames.count - 1),
  };
}

/** Makes an element a place to seek with keys. */
export function listenToSeekKeys(node, player) {
  const keys = seekKeys(player);
  node.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    keys[event.key](event);
  });
}

// Browsers that keep nothing for pages throw.
function readSetting() {
  try {
    return localStorage.getItem(SETTING);
  } catch {
    return null;
  }
}

function writeSetting(value) {
  try {
    localStorage.setItem(SETTING, value);
  } catch {
    // It counts until the page is closed.
  }
}

/** Listens for shortcuts until the returned function is called. */
export function listen(player, view, help) {
  const { ArrowLeft, ArrowRight } = seekKeys(player);
  const keys = {
    " ": () => player.toggle(),
    k: () => player.toggle(),
    ",": () => player.step(-1),
    ".": () => player.step(1),
    ArrowLeft,
    ArrowRight,
    "<": () => player.changeSpeed(-1),
    ">": () => player.changeSpeed(1),
    l: () => player.loop(),
    m: () => player.mute(),
    f: () => player.fullScreen(),
    v: () => view.nextMode(),
    "?": () => help.showModal(),
  };
  const on = $("input", help);
  on.checked = readSetting() !== "off";
  on.onchange = () => writeSetting(on.checked ? "on" : "off");

  const press = (event) => {
    const { key, target, ctrlKey, metaKey, altKey, defaultPrevented } = event;
    const action = keys[key.length === 1 ? key.toLowerCase() : key];
    if (!action || !on.checked || ctrlKey || metaKey || altKey || defaultPrevented) return;
    if ($("dialog[open]") || target.closest(TYPES)) return;
    // Arrows choose among radio buttons and move sliders; the one of the video takes them itself.
    if (target.closest('[type="radio"], [type="range"]:not(.scrub)') && key.startsWith("Arrow")) return;
    if (key === " " && target.closest(PRESSED)) return;
    event.preventDefault();
    action(event);
  };
  document.addEventListener("keydown", press);
  return () => document.removeEventListener("keydown", press);
}
