// Keypoints of the frames, loaded in windows around the position; the least recently used are dropped.
import { getFrames } from "../api.js";

const SECONDS = 10; // length of a window
const MOST_POSES = 150_000; // kept besides the current window: about 50 MB
const AHEAD = 4; // seconds loaded in advance
const EARLY = 0.0005; // seconds by which rounding may have moved a time forward

const compact = ({ frame, time, people }) => ({
  index: frame,
  time,
  people: people.map(({ keypoints, ...person }) => ({ filled: [], ...person, points: Float32Array.from(keypoints) })),
});

/** Returns the last frame that starts at or before a time; null if there is none. */
function before(frames, time) {
  let [low, high] = [0, frames.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (frames[middle].time <= time + EARLY) low = middle + 1;
    else high = middle;
  }
  return frames[low - 1] ?? null;
}

/**
 * The frames of a job: `{index, time, people: [{id, score, points, filled, angles}]}`, times in seconds,
 * points in pixels of the upright source. Dispatches `load` when a window has loaded, and `trouble` when
 * one could not be loaded.
 */
export class Frames extends EventTarget {
  #windows = new Map(); // number -> {frames, poses} or a promise of it, least recently used first
  #failed = new Map(); // number -> time of the failure
  #job;

  constructor(job, { frames, duration_seconds: seconds }) {
    super();
    this.#job = job;
    this.count = frames;
    this.seconds = seconds;
    this.interval = seconds / frames; // on average
    this.last = Math.floor(seconds / SECONDS);
  }

  /** Returns the frame shown at a time if it is loaded; otherwise null, and starts loading it. */
  peek(time) {
    const at = this.#number(time);
    for (let number = at; number >= 0; number -= 1) {
      const held = this.#windows.get(number);
      if (!held?.frames) {
        this.#want(number);
        return null;
      }
      const frame = before(held.frames, time);
      if (frame) {
        this.#want(this.#number(time + AHEAD));
        return frame;
      }
    }
    return this.#windows.get(at)?.frames[0] ?? null;
  }

  /** Resolves to the frame shown at a time. */
  async at(time) {
    for (let number = this.#number(time); number >= 0; number -= 1) {
      const frame = before(await this.#load(number), time);
      if (frame) return frame;
    }
    return this.numbered(0);
  }

  /** Resolves to the frame with an index, or null. Starts searching at its expected position. */
  async numbered(index) {
    if (index < 0 || index >= this.count) return null;
    let [low, high] = [0, this.last];
    let number = this.#number((index + 0.5) * this.interval);
    while (low <= high) {
      const frames = await this.#load(number);
      if (frames.length && frames[0].index <= index && index <= frames.at(-1).index) return frames[index - frames[0].index];
      const after = frames.length ? frames[0].index < index : (await this.at(number * SECONDS)).index < index;
      if (after) low = number + 1;
      else high = number - 1;
      number = (low + high) >> 1;
    }
    return null;
  }

  /** Resolves to all frames between two times. */
  async range(start, end) {
    const all = [];
    for (let number = this.#number(start); number <= this.#number(end); number += 1) {
      all.push(...(await this.#load(number)));
    }
    return all.filter(({ time }) => time >= start && time <= end);
  }

  #number(time) {
    return Math.min(Math.max(Math.floor((time + EARLY) / SECONDS), 0), this.last);
  }

  /** Starts loading a window in the background, again some seconds after a failure. */
  #want(number) {
    if (this.#windows.has(number) || performance.now() - (this.#failed.get(number) ?? -Infinity) < 5_000) return;
    this.#load(number).catch(() => {});
  }

  async #load(number) {
    const held = this.#windows.get(number) ?? this.#fetch(number);
    this.#windows.delete(number);
    this.#windows.set(number, held);
    return (await held).frames;
  }

  async #fetch(number) {
    try {
      const end = number === this.last ? this.seconds + SECONDS : (number + 1) * SECONDS;
      const frames = [];
      for (let start = number * SECONDS; start !== null && start < end; ) {
        const answer = await getFrames(this.#job, start, Math.min(end, start + 60));
        frames.push(...answer.frames.filter(({ time }) => this.#number(time) === number).map(compact));
        start = answer.next;
      }
      const held = { frames, poses: frames.reduce((sum, { people }) => sum + people.length, 0) };
      this.#windows.set(number, held);
      this.#failed.delete(number);
      this.#forget(number);
      this.dispatchEvent(new Event("load"));
      return held;
    } catch (error) {
      this.#windows.delete(number);
      this.#failed.set(number, performance.now());
      this.dispatchEvent(new CustomEvent("trouble", { detail: error.message }));
      throw error;
    }
  }

  #forget(kept) {
    let poses = 0;
    for (const [number, held] of [...this.#windows].reverse()) {
      poses += held.poses ?? 0;
      if (poses > MOST_POSES && number !== kept && held.frames) this.#windows.delete(number);
    }
  }
}
