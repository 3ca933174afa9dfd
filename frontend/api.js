// The gateway's routes for jobs, models and sessions. Those for uploads are in upload/api.js.
import { address, call, get, problem, unreachable } from "./http.js";

export { address, Problem } from "./http.js";

const jobPath = (id) => `/v1/jobs/${encodeURIComponent(id)}`;

/** Returns a job whose links are absolute addresses. */
export function readJob(job) {
  const links = Object.entries(job.links).map(([name, path]) => [name, address(path)]);
  return { ...job, links: Object.fromEntries(links) };
}

export const getModels = async () => (await get("/v1/models")).models;
export const getManifest = (job) => get(job.links.manifest);

/**
 * Returns the export formats of a result: [{name, file, media_type, title, contents}]. An older gateway lists
 * none; during an upgrade it may also be the one that is asked, and then has no such file.
 */
export async function getFormats({ links }) {
  if (!links.formats) return [];
  try {
    return (await get(links.formats)).formats;
  } catch (error) {
    if (error.status === 404) return [];
    throw error;
  }
}

/** Returns a job. With the token of a share link it may be another user's, and its links carry the token. */
export async function getJob(id, share = null) {
  const query = share ? `?${new URLSearchParams({ share })}` : "";
  return readJob(await get(jobPath(id) + query));
}

/** Deletes a finished job (gone: true) or requests that an unfinished one be cancelled (gone: false). */
export async function deleteJob(id) {
  const { status } = await call(jobPath(id), { method: "DELETE" });
  return { gone: status === 204 };
}

/**
 * Returns one page of jobs, newest first.
 *
 * @param {{cursor?: string, limit?: number, q?: string, states?: string[]}} asked
 * @returns {Promise<{jobs: object[], next_cursor: string | null}>}
 */
export async function getJobs({ cursor, limit = 50, q, states = [] } = {}) {
  const query = new URLSearchParams({ limit });
  if (cursor) query.set("cursor", cursor);
  if (q) query.set("q", q);
  for (const state of states) query.append("state", state);
  const page = await get(`/v1/jobs?${query}`);
  return { ...page, jobs: page.jobs.map(readJob) };
}

/** Adds query parameters to a job's link, which has a token in its query if the job is shared. */
function withQuery(link, values) {
  const [path, query] = link.split("?");
  const all = new URLSearchParams(query);
  for (const [name, value] of Object.entries(values)) all.set(name, value);
  return `${path}?${all}`;
}

/** Returns the frames between two times in seconds, with their people: {frames, next}. */
export const getFrames = (job, start, end) => get(withQuery(job.links.frames, { start, end }));

/** Returns the finished segments of a running job: {segments: [{number, start, end, url}]}. */
export const getPreview = (job) => get(job.links.preview);

/** Creates a share link to this job: {token, expires_at, page}. */
export async function shareJob(id, seconds) {
  const json = { expires_in_seconds: seconds };
  return (await call(`${jobPath(id)}/shares`, { method: "POST", json })).value;
}

/** Returns the address of a file in the manifest, with the token of a shared job. */
export function fileUrl(job, path) {
  const [base, query] = job.links.self.split("?");
  return `${base}/${path}${query ? `?${query}` : ""}`;
}

export const getFile = (job, path) => get(fileUrl(job, path));

/** Opens the event stream of all jobs, with `job`, `gone` and `reset` events. */
export const openEvents = (path = "/v1/events") =>
  new EventSource(address(path), { withCredentials: true });

/** Returns the session: {auth: "off" | "keys", name, ...}. Throws a 401 if a key is needed. */
export const getSession = () => get("/v1/session");

export const signIn = (key) => call("/v1/session", { method: "POST", json: { key } });
export const signOut = () => call("/v1/session", { method: "DELETE" });

/** Returns the sample video as a File. */
export async function getSample() {
  let response, video;
  try {
    response = await fetch(address("/v1/sample"), { credentials: "include" });
    video = await response.blob();
  } catch {
    throw unreachable();
  }
  if (!response.ok) throw problem(response.status, await video.text());
  return new File([video], "sample.mp4", { type: "video/mp4" });
}

/** Whether the server has a sample video. */
export async function hasSample() {
  try {
    return (await fetch(address("/v1/sample"), { method: "HEAD", credentials: "include" })).ok;
  } catch {
    return false;
  }
}
