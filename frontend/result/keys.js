// Keyboard shortcuts of the result. They can be disabled, as speech input and some keyboards press letters by accident.
import { $ } from "../dom.js";

const SETTING = "poseway-shortcuts";
const TYPES = 'input:not([type="range"], [type="checkbox"]), textarea, select, [contenteditable]';
const PRESSED = 'button, a, summary, input:not([type="range"])';

/** Returns the actions of the keys that seek, which work even if other shortcuts are disabled. */
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

/** Lets keys seek while an element has the focus. */
export function listenToSeekKeys(node, player) {
  const keys = seekKeys(player);
  node.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    keys[event.key](event);
  });
}

// Throws in browsers that deny storage.
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
    // The setting lasts until the page is closed.
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
    // Arrow keys belong to radio buttons and sliders, except to the video's own slider.
    if (target.closest('[type="radio"], [type="range"]:not(.scrub)') && key.startsWith("Arrow")) return;
    if (key === " " && target.closest(PRESSED)) return;
    event.preventDefault();
    action(event);
  };
  document.addEventListener("keydown", press);
  return () => document.removeEventListener("keydown", press);
}
