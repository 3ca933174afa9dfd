// Signing in. If the gateway requires API keys, the page asks for one before it shows anything.
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

/** Registers the listener for changes: true after the user has signed in, false when they have to. */
export function onChange(listen) {
  listener = listen;
}

/** Asks the user to sign in. Resolves when they have. */
export function signedIn() {
  ask();
  return new Promise((resolve) => waiting.add(resolve));
}

/** Shows the name of the signed-in user, or nothing if the gateway does not use keys. */
export async function check() {
  let session;
  try {
    session = await api.getSession();
  } catch {
    return; // `onRefused` handles a 401; other failures show up in the requests that follow
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
    // Already signed out, or the next request will report the error.
  }
  location.replace("#/");
  location.reload(); // no data of the user stays in the page
});

onRefused(ask);
