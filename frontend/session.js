// Who asks: where the gateway has keys, the page asks for one before it shows anything.
import { $, setText } from "./dom.js";
import * as api from "./api.js";
import { onRefused } from "./http.js";

const view = $("#signin");
const form = $("form", view);
const who = $("#who");
const error = $(".error", view);
const waiting = new Set();
let listener = () => {};

export const isAsking = () => !view.hidden;

/** Says who is told (with whether somebody is) when somebody has signed in, or must. */
export function onChange(told) {
  listener = told;
}

/** Resolves when somebody is signed in again. */
export function signedIn() {
  ask();
  return new Promise((resolve) => waiting.add(resolve));
}

/** Finds out who asks, and shows it. Where there are no keys, nothing of this is to be seen. */
export async function check() {
  let session;
  try {
    session = await api.getSession();
  } catch {
    return; // told by `onRefused`, or whatever else is asked of the server fails as well
  }
  who.hidden = session.auth === "off";
  setText($(".name", who), session.name ?? "");
}

function ask() {
  if (isAsking()) return;
  view.hidden = false;
  who.hidden = true;
  listener(false);
  $("input", form).focus();
}

function fail(words) {
  setText(error, words);
  error.hidden = false;
  $("input", form).setAttribute("aria-invalid", "true");
  $("input", form).focus();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = $("button", form);
  const key = form.elements.key.value.trim();
  error.hidden = true;
  if (!key) {
    fail("Enter your key. It starts with pw_.");
    return;
  }
  button.disabled = true;
  try {
    await api.signIn(key);
    form.reset();
    $("input", form).removeAttribute("aria-invalid");
    view.hidden = true;
    listener(true);
    for (const resolve of waiting) resolve();
    waiting.clear();
  } catch ({ message }) {
    fail(message);
  } finally {
    button.disabled = false;
  }
});

$("#signout").addEventListener("click", async () => {
  try {
    await api.signOut();
  } catch {
    // Signed out already, or the next thing that is asked will say what is wrong.
  }
  location.replace("#/");
  location.reload(); // nothing of what was to be seen stays in the page
});

onRefused(ask);
