// HTTP requests to the gateway: its address and its errors. Knows no routes.

// Empty if the gateway serves the page itself, otherwise its address; see README.md.
const GATEWAY = document.querySelector('meta[name="poseway-gateway"]')?.content.replace(/\/+$/, "") ?? "";

/** Turns a path of the gateway, such as one of a job's links, into an address. */
export const address = (path) => (path.startsWith("/") ? GATEWAY + path : path);

/** A request that failed. `message` is shown to the user. */
export class Problem extends Error {
  constructor(message, { status = 0, code = "", retryAfter = 0 } = {}) {
    super(message);
    this.status = status; // 0: no response
    this.code = code;
    this.retryAfter = retryAfter; // seconds
  }
}

const UNREACHABLE = "The server cannot be reached. Check your connection.";

export const unreachable = () => new Problem(UNREACHABLE);

/** Turns problem details (RFC 9457), or a proxy's own error page, into a `Problem`. */
export function problem(status, body, retryAfter) {
  let details = {};
  try {
    details = JSON.parse(body) ?? {};
  } catch {
    // Not JSON, so not from the gateway: its text would not help the user.
  }
  const message =
    details.detail || details.title || `The server answered with an error (${status}). Try again later.`;
  return new Problem(message, { status, code: details.code, retryAfter: Number(retryAfter) || 0 });
}

let refused = () => {};

/** Registers the listener that is called when the gateway requires signing in (401). */
export function onRefused(listener) {
  refused = listener;
}

/**
 * Sends a request to the gateway.
 *
 * @param {string} path
 * @param {{method?: string, json?: unknown, headers?: object, signal?: AbortSignal}} request
 * @returns {Promise<{status: number, value: any}>} status and parsed JSON body
 * @throws {Problem} unless the response is a success
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

/** Returns the JSON body of a GET request. */
export const get = async (path) => (await call(path)).value;
