// The gateway's routes for multipart uploads.
import { readJob } from "../api.js";
import { address, call, get, problem, unreachable } from "../http.js";

// A connection on which no byte has moved for this long is considered dead; milliseconds.
const STALLED = 60_000;

const path = (id) => `/v1/uploads/${encodeURIComponent(id)}`;

/**
 * Creates a multipart upload.
 *
 * @param {{name: string, size: number, options: object}} asked
 * @param {string} key idempotency key: a retry with the same key returns the same upload
 * @param {AbortSignal} signal
 * @returns {Promise<object>} {id, size, part_bytes, parts: [{number, size}] received so far, direct, ...}
 */
export async function createUpload(asked, key, signal) {
  const headers = { "idempotency-key": key };
  return (await call("/v1/uploads", { method: "POST", json: asked, headers, signal })).value;
}

export const getUpload = (id) => get(path(id));
export const dropUpload = (id) => call(path(id), { method: "DELETE" });

/** Completes an upload whose parts have all arrived. Returns its job. Idempotent. */
export async function completeUpload(id, signal) {
  return readJob((await call(`${path(id)}/complete`, { method: "POST", signal })).value);
}

/** Sends a part to the gateway. Idempotent. */
export function sendPart(id, number, bytes, onProgress, signal) {
  return send(address(`${path(id)}/parts/${number}`), bytes, true, onProgress, signal);
}

/** Sends a part straight to object storage. */
export async function sendPartDirect(id, number, bytes, onProgress, signal) {
  const { url } = (await call(`${path(id)}/parts/${number}/url`, { signal })).value;
  return send(url, bytes, false, onProgress, signal);
}

/** Sends bytes by XMLHttpRequest, because fetch reports no upload progress. */
function send(url, bytes, withCredentials, onProgress, signal) {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const request = new XMLHttpRequest();
    let timer;
    const watch = () => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), STALLED);
    };
    const abort = () => request.abort();
    request.upload.onprogress = (event) => {
      watch();
      onProgress(event.loaded);
    };
    request.onload = () => {
      const { status, responseText } = request;
      if (status >= 200 && status < 300) resolve();
      else reject(problem(status, responseText, request.getResponseHeader("retry-after")));
    };
    request.onerror = () => reject(unreachable());
    request.onabort = () => reject(signal.aborted ? signal.reason : unreachable());
    request.onloadend = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      window.removeEventListener("offline", abort);
    };
    signal.addEventListener("abort", abort);
    window.addEventListener("offline", abort);
    request.open("PUT", url);
    request.withCredentials = withCredentials;
    request.send(bytes);
    watch();
  });
}
