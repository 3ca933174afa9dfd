// Preview of a running job: plays its finished segments one after another.
import { address, getPreview } from "../api.js";
import { $, duration, setText } from "../dom.js";
import { clock } from "./player.js";

const POLL = 2_000; // milliseconds

export class Preview {
  #segments = [];
  #at = 0; // index of the segment that plays
  #waiting = false; // at the end of the last finished segment
  #videos;
  #timer = null;
  #closed = false;

  constructor(node, job) {
    Object.assign(this, { node, job });
    this.#videos = [...node.querySelectorAll("video")];
    for (const video of this.#videos) {
      video.addEventListener("ended", () => video === this.#front && this.#next());
      video.addEventListener("timeupdate", () => video === this.#front && this.#showState());
      for (const event of ["play", "pause"]) video.addEventListener(event, () => this.#showState());
      video.addEventListener("click", () => this.#toggle());
    }
    $("button", node).addEventListener("click", () => this.#toggle());
    const scrub = $(".scrub", node);
    scrub.addEventListener("input", () => this.#seek(Number(scrub.value)));
    this.#poll();
  }

  get #front() {
    return this.#videos[0];
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const video of this.#videos) {
      video.removeAttribute("src");
      video.load();
    }
  }

  /** Fetches the finished segments, repeatedly. */
  async #poll() {
    try {
      const { segments } = await getPreview(this.job);
      if (this.#closed) return;
      const first = !this.#segments.length && segments.length > 0;
      this.#segments = segments;
      this.node.hidden = !segments.length;
      if (first) this.#open(0, segments[0].start, false);
      else if (this.#waiting && segments.length > this.#at + 1) this.#next();
      this.#showState();
    } catch {
      // Retried at the next poll; errors of the job itself are shown elsewhere.
    }
    if (!this.#closed) this.#timer = setTimeout(() => this.#poll(), POLL);
  }

  /** Shows a segment from a time of the whole video, and preloads the next one in a hidden player. */
  #open(index, time, play) {
    const src = new URL(address(this.#segments[index].url), location.href).href;
    const before = this.#front;
    if (this.#videos[1].src === src) this.#videos.reverse();
    else if (before.src !== src) before.src = src;
    const [front, back] = this.#videos;
    if (front !== before) before.pause();
    this.#at = index;
    this.#waiting = false;
    front.currentTime = time;
    back.hidden = true;
    front.hidden = false;
    const following = this.#segments[index + 1];
    if (following) back.src = address(following.url);
    if (play) front.play().catch(() => {});
    this.#showState();
  }

  #next() {
    if (this.#at + 1 < this.#segments.length) this.#open(this.#at + 1, this.#segments[this.#at + 1].start, true);
    else this.#waiting = true;
    this.#showState();
  }

  #toggle() {
    if (this.#waiting) this.#seek(0, true);
    else if (this.#front.paused) this.#front.play().catch(() => {});
    else this.#front.pause();
  }

  #seek(time, play = !this.#front.paused) {
    const found = this.#segments.findIndex(({ end }) => time < end);
    const index = found < 0 ? this.#segments.length - 1 : found;
    this.#open(index, Math.max(time, this.#segments[index].start), play);
  }

  #showState() {
    const { start = 0 } = this.#segments[this.#at] ?? {};
    const end = this.#segments.at(-1)?.end ?? 0;
    const time = Math.min(Math.max(this.#front.currentTime, start), end);
    const scrub = $(".scrub", this.node);
    scrub.max = end;
    scrub.value = time;
    scrub.style.setProperty("--done", `${end ? (time / end) * 100 : 0}%`);
    scrub.setAttribute("aria-valuetext", clock(time));
    setText($(".clock", this.node), `${clock(time)} / ${clock(end)}`);
    const button = $("button", this.node);
    button.dataset.state = this.#front.paused ? "off" : "on";
    button.setAttribute("aria-label", this.#front.paused ? "Play" : "Pause");
    setText(
      $(".ready", this.node),
      this.#waiting ? "This is the end of what is finished. Playback continues when more is ready." : `The first ${duration(end)} are finished.`,
    );
  }
}
