// The routes of the gateway that are about jobs, models and who asks. Uploads have upload/api.js.
import { address, call, get, problem, unreachable } from "./http.js";

export { address, Problem } from "./http.js";

const jobPath = (id) => `/v1/jobs/${encodeURIComponent(id)}`;

/** A job whose links are addresses that the page can use as they are. */
export function readJob(job) {
  const links = Object.entries(job.links).map(([name, path]) => [name, address(path)]);
  return { ...job, links: Object.fromEntries(links) };
}

export const getModels = async () => (await get("/v1/models")).models;
export const getManifest = (job) => get(job.links.manifest);

/** A job; with the token of a shared link, somebody else's. Then its links carry the token. */
export async function getJob(id, share = null) {
  const query = share ? `?${new URLSearchParams({ share })}` : "";
  return readJob(await get(jobPath(id) + query));
}

/** Removes a finished job (gone: true), or asks for another one to be cancelled (gone: false). */
export async function deleteJob(id) {
  const { status } = await call(jobPath(id), { method: "DELETE" });
  return { gone: status === 204 };
}

/**
 * One page of jobs, newest first.
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

/** A link of a job with more in its query; a shared job's links have a token there already. */
function withQuery(link, values) {
  const [path, query] = link.split("?");
  const all = new URLSearchParams(query);
  for (const [name, value] of Object.entries(values)) all.set(name, value);
  return `${path}?${all}`;
}

/** Frames with their people, from one second to another: {frames, next}. */
export const getFrames = (job, start, end) => get(withQuery(job.links.frames, { start, end }));

/** What is finished of a running job: {segments: [{number, start, end, url}]}. */
export const getPreview = (job) => get(job.links.preview);

/** Makes a link's token: who has it sees this job until it expires. {token, expires_at, page} */
export async function shareJob(id, seconds) {
  const json = { expires_in_seconds: seconds };
  return (await call(`${jobPath(id)}/shares`, { method: "POST", json })).value;
}

/** Address of a file that the manifest names. A shared job's links end with its token. */
export function fileUrl(job, path) {
  const [base, query] = job.links.self.split("?");
  return `${base}/${path}${query ? `?${query}` : ""}`;
}

export const getFile = (job, path) => get(fileUrl(job, path));

/** All jobs, live: a stream of `job`, `gone` and `reset`. */
export const openEvents = (path = "/v1/events") =>
  new EventSource(address(path), { withCredentials: true });

/** Who asks: {auth: "off" | "keys", name, ...}; a 401 where a key is needed. */
export const getSession = () => get("/v1/session");

export const signIn = (key) => call("/v1/session", { method: "POST", json: { key } });
export const signOut = () => call("/v1/session", { method: "DELETE" });

/** The sample video as a File. */
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

/** Whether there is a sample video. */
export async function hasSample() {
  try {
    return (await fetch(address("/v1/sample"), { method: "HEAD", credentials: "include" })).ok;
  } catch {
    return false;
  }
}
