// Speaking HTTP with the gateway: where it is, what its errors say. Knows no route.

// Empty where the gateway serves the page itself; otherwise its address, see README.md.
const GATEWAY = document.querySelector('meta[name="poseway-gateway"]')?.content.replace(/\/+$/, "") ?? "";

/** A path of the gateway, such as one of a job's links, as an address that the page can use. */
export const address = (path) => (path.startsWith("/") ? GATEWAY + path : path);

/** An answer that is not a success; `message` is meant for the user. */
export class Problem extends Error {
  constructor(message, { status = 0, code = "", retryAfter = 0 } = {}) {
    super(message);
    this.status = status; // 0: no answer at all
    this.code = code;
    this.retryAfter = retryAfter; // seconds
  }
}

const UNREACHABLE = "The server cannot be reached. Check your connection.";

export const unreachable = () => new Problem(UNREACHABLE);

/** Turns problem details (RFC 9457), or whatever a proxy sent instead, into a sentence. */
export function problem(status, body, retryAfter) {
  let said = {};
  try {
    said = JSON.parse(body) ?? {};
  } catch {
    // Not JSON, so not from the gateway: its words would not help.
  }
  const message =
    said.detail || said.title || `The server answered with an error (${status}). Try again later.`;
  return new Problem(message, { status, code: said.code, retryAfter: Number(retryAfter) || 0 });
}

let refused = () => {};

/** Says who is told when the gateway wants to know who asks (401). */
export function onRefused(listener) {
  refused = listener;
}

/**
 * Asks the gateway.
 *
 * @param {string} path
 * @param {{method?: string, json?: unknown, headers?: object, signal?: AbortSignal}} request
 * @returns {Promise<{status: number, value: any}>} what it answered, as JSON
 * @throws {Problem}
 */
export async function call(path, { method = "GET", json, headers = {}, signal } = {}) {
  const asked = { method, signal, credentials: "include", headers: { accept: "application/json", ...headers } };
  if (json !== undefined) {
    asked.body = JSON.stringify(json);
    asked.headers["content-type"] = "application/json";
  }
  let response, body;
  try {
    response = await fetch(address(path), asked);
    body = await response.text();
  } catch (error) {
    throw error.name === "AbortError" ? error : unreachable();
  }
  if (!response.ok) {
    const error = problem(response.status, body, response.headers.get("retry-after"));
    if (error.status === 401) refused(error);
    throw error;
  }
  return { status: response.status, value: body ? JSON.parse(body) : null };
}

/** What the gateway answers to a GET. */
export const get = async (path) => (await call(path)).value;
