// The gateway's HTTP API, and nothing of the page.

/** An answer that is not a success; `message` is meant for the user. */
export class Problem extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

const UNREACHABLE = "The server cannot be reached. Check your connection.";

// A server that refuses a video for its size hangs up, which looks the same from here.
const BROKEN_OFF =
  "The upload broke off. Check your connection, and that the video is not too large; then try again.";

/** Turns problem details (RFC 9457), or whatever a proxy sent instead, into a sentence. */
function problem(status, body) {
  let detail;
  try {
    const { detail: said, title } = JSON.parse(body);
    detail = said || title;
  } catch {
    // Not JSON, so not from the gateway: its words would not help.
  }
  return new Problem(detail || `The server answered with an error (${status}). Try again later.`, status);
}

async function call(path, method = "GET") {
  let response, body;
  try {
    response = await fetch(path, { method, headers: { accept: "application/json" } });
    body = await response.text();
  } catch {
    throw new Problem(UNREACHABLE);
  }
  if (!response.ok) throw problem(response.status, body);
  return { status: response.status, value: body ? JSON.parse(body) : null };
}

const fetchValue = async (path) => (await call(path)).value;

const jobPath = (id) => `/v1/jobs/${encodeURIComponent(id)}`;

export const getModels = async () => (await fetchValue("/v1/models")).models;
export const getJob = (id) => fetchValue(jobPath(id));
export const getManifest = (job) => fetchValue(job.links.manifest);

/** Removes a finished job (gone: true), or asks for another one to be cancelled (gone: false). */
export async function deleteJob(id) {
  const { status } = await call(jobPath(id), "DELETE");
  return { gone: status === 204 };
}

/** One page of jobs, newest first: {jobs, next_cursor}. */
export function getJobs(cursor = null) {
  const query = new URLSearchParams({ limit: "20" });
  if (cursor) query.set("cursor", cursor);
  return fetchValue(`/v1/jobs?${query}`);
}

/** Address of a file that the manifest names. */
export const fileUrl = (job, path) => `${job.links.self}/${path}`;

export const getFile = (job, path) => fetchValue(fileUrl(job, path));

/**
 * Sends a video. XMLHttpRequest, because fetch tells nothing about the progress of what it sends.
 *
 * @param {File} file
 * @param {[string, string][]} options sent before the file, so that the server can refuse early
 * @param {(sent: number, total: number) => void} onProgress bytes, with what multipart adds
 * @param {AbortSignal} signal
 * @returns {Promise<object>} the new job
 */
export function upload(file, options, onProgress, signal) {
  const body = new FormData();
  for (const [name, value] of options) body.append(name, value);
  body.append("video", file, file.name);

  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/v1/jobs");
    request.upload.onprogress = (event) => onProgress(event.loaded, event.total);
    request.onload = () => {
      if (request.status === 201) resolve(JSON.parse(request.responseText));
      else reject(problem(request.status, request.responseText));
    };
    request.onerror = () => reject(new Problem(BROKEN_OFF));
    request.onabort = () => reject(new DOMException("Cancelled", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.send(body);
  });
}
