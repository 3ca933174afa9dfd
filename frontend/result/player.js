// The player, which tracks the shown frame and seeks to frames exactly.
import { $, announce, number, setText } from "../dom.js";

/** 63.2 -> "1:03.20" */
export function clock(seconds) {
  const hundredths = Math.round(Math.max(seconds, 0) * 100);
  const whole = Math.floor(hundredths / 100);
  const two = (value) => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const front = hours ? `${hours}:${two(minutes)}` : minutes;
  return `${front}:${two(whole % 60)}.${two(hundredths % 100)}`;
}

/**
 * Plays a video in `root`, whose buttons have a `data-do` attribute. `time` is the presentation time of
 * the shown frame, `frame` that frame once its keypoints are loaded. Dispatches `frame` when either changes.
 */
export class Player extends EventTarget {
  #aim = null; // target frame of the steps so far, until it is shown or the player is moved otherwise
  #steps = Promise.resolve();
  #loop = null;
  #closed = false;
  #ends = new AbortController();
  #target = null; // target of the current seek in seconds, until the browser has reached it

  constructor(root, frames) {
    super();
    Object.assign(this, { root, frames, video: $("video", root), time: 0, frame: null, seconds: frames.seconds });
    this.#listen();
    this.#watch();
    this.#see(0);
  }

  /** Switches to another file at the same time, and continues to play if the player was playing. */
  show(src) {
    const { video } = this;
    const playing = !video.paused;
    const rate = video.playbackRate;
    const at = this.#target ?? video.currentTime;
    $(".unplayable", this.root.parentNode).hidden = true;
    video.src = src;
    video.defaultPlaybackRate = rate;
    if (at) this.#move(at);
    if (playing) video.play().catch(() => {});
  }

  toggle() {
    if (!this.video.paused) return this.video.pause();
    this.#aim = null;
    return this.video.play().catch(() => {});
  }

  /** Seeks to a time in seconds. */
  seek(time) {
    this.#aim = null;
    this.#move(Math.min(Math.max(time, 0), this.seconds));
  }

  #move(time) {
    this.#target = time;
    this.video.currentTime = time;
  }

  /** Moves by a number of frames, backwards if negative. Steps in quick succession add up. */
  step(count) {
    this.video.pause();
    this.#steps = this.#steps.then(async () => {
      try {
        const from = this.#aim ?? (await this.frames.at(this.time));
        const index = Math.min(Math.max(from.index + count, 0), this.frames.count - 1);
        await this.#aimAt(await this.frames.numbered(index));
      } catch {
        this.seek(this.time + (count + 0.5) * this.frames.interval); // the frames' times are not available: seek approximately
      }
    });
    return this.#steps;
  }

  /** Seeks to the frame with an index. */
  async goTo(index) {
    this.video.pause();
    try {
      await this.#aimAt(await this.frames.numbered(index));
    } catch {
      this.seek((index + 0.5) * this.frames.interval);
    }
  }

  // Seeks to the middle of the frame's duration, so that rounding cannot lead to a neighbour.
  async #aimAt(frame) {
    if (!frame) return;
    this.#aim = frame;
    const next = await this.frames.numbered(frame.index + 1);
    const end = next?.time ?? Math.max(this.seconds, frame.time + this.frames.interval);
    this.#move((frame.time + end) / 2);
  }

  setSpeed(speed) {
    this.video.playbackRate = speed;
    $('[data-do="speed"]', this.root).value = String(speed);
  }

  /** Switches to the next (1) or previous (-1) of the available speeds. */
  changeSpeed(by) {
    const speeds = [...$('[data-do="speed"]', this.root).options].map(({ value }) => Number(value));
    const speed = speeds[speeds.indexOf(this.video.playbackRate) + by];
    if (speed) this.setSpeed(speed);
  }

  /** Sets the start of a loop, then its end, then removes it. */
  loop() {
    if (!this.#loop) this.#loop = { start: this.time, from: this.video.currentTime, end: null };
    else if (this.#loop.end === null && this.time > this.#loop.start) {
      this.#loop.end = this.time;
      this.seek(this.#loop.from);
      this.video.play().catch(() => {});
    } else this.#loop = null;
    this.#showLoop();
  }

  #showLoop() {
    const { start, end } = this.#loop ?? {};
    const button = $('[data-do="loop"]', this.root);
    const text = !this.#loop ? "Loop" : end === null ? "Loop to here" : "End loop";
    setText($("span", button), text);
    button.setAttribute("aria-pressed", String(Boolean(this.#loop)));
    if (this.#loop) announce(end === null ? `Loop from ${clock(start)}` : `Loop from ${clock(start)} to ${clock(end)}`);
    const part = $(".loop", this.root);
    part.hidden = !this.#loop;
    if (!this.#loop) return;
    part.style.left = `${(start / this.seconds) * 100}%`;
    part.style.width = `${(Math.max((end ?? start) - start, 0) / this.seconds) * 100}%`;
  }

  mute() {
    this.video.muted = !this.video.muted;
  }

  async fullScreen() {
    if (document.fullscreenElement) return document.exitFullscreen();
    if (this.root.requestFullscreen) return this.root.requestFullscreen();
    return this.video.webkitEnterFullscreen?.(); // the only full screen that iPhones support
  }

  close() {
    this.#ends.abort();
    this.#closed = true;
    // A video that was removed from the document would continue loading.
    this.video.removeAttribute("src");
    this.video.load();
  }

  #listen() {
    const { video, root } = this;
    const actions = {
      play: () => this.toggle(),
      back: () => this.step(-1),
      next: () => this.step(1),
      loop: () => this.loop(),
      mute: () => this.mute(),
      full: () => this.fullScreen(),
    };
    root.addEventListener("click", ({ target }) => actions[target.closest("button")?.dataset.do]?.());
    video.addEventListener("click", () => this.toggle());
    $('[data-do="speed"]', root).addEventListener("change", ({ target }) => this.setSpeed(Number(target.value)));
    const scrub = $(".scrub", root);
    scrub.max = this.seconds;
    scrub.addEventListener("input", () => this.seek(Number(scrub.value)));
    for (const event of ["play", "pause", "volumechange", "ended"]) video.addEventListener(event, () => this.#showState());
    video.addEventListener("ended", () => this.#loop?.end && this.#again());
    // A seek requested while the file is being switched would be lost.
    video.addEventListener("loadedmetadata", () => this.#target !== null && this.#move(this.#target));
    video.addEventListener("seeked", () => {
      if (video.seeking) return;
      this.#target = null;
      // Browsers do not always report the frame after a seek while paused.
      if (video.paused) this.#see(video.currentTime);
    });
    video.addEventListener("error", () => {
      if (!this.#closed) $(".unplayable", root.parentNode).hidden = false;
    });
    document.addEventListener("fullscreenchange", () => this.#showState(), { signal: this.#ends.signal });
    this.frames.addEventListener("load", () => this.#see(this.time));
  }

  #showState() {
    const name = (what, text, state) => {
      const button = $(`[data-do="${what}"]`, this.root);
      button.setAttribute("aria-label", text);
      button.title = text;
      button.dataset.state = state;
    };
    const { paused, muted } = this.video;
    name("play", paused ? "Play" : "Pause", paused ? "off" : "on");
    name("mute", muted ? "Sound on" : "Sound off", muted ? "on" : "off");
    const full = document.fullscreenElement === this.root;
    name("full", full ? "Leave full screen" : "Full screen", full ? "on" : "off");
  }

  /** Tracks the shown frame: exactly if the browser reports it, otherwise by the video's clock. */
  #watch() {
    const { video } = this;
    if (video.requestVideoFrameCallback) {
      const see = (_, { mediaTime }) => {
        if (this.#closed) return;
        this.#see(mediaTime);
        video.requestVideoFrameCallback(see);
      };
      video.requestVideoFrameCallback(see);
      return;
    }
    let last = -1;
    const check = () => {
      if (this.#closed) return;
      if (video.currentTime !== last && !video.seeking) this.#see((last = video.currentTime));
      requestAnimationFrame(check);
    };
    check();
  }

  #again() {
    this.#move(this.#loop.from);
    if (this.video.paused) this.video.play().catch(() => {});
  }

  #see(time) {
    if (this.#closed) return;
    this.frame = this.frames.peek(time);
    this.time = this.frame?.time ?? time;
    if (this.#aim && this.#aim.index === this.frame?.index) this.#aim = null;
    if (this.#loop?.end && time >= this.#loop.end && !this.video.paused) this.#again();
    const at = this.frame?.index ?? Math.round(time / this.frames.interval);
    const scrub = $(".scrub", this.root);
    scrub.value = time;
    scrub.style.setProperty("--done", `${(time / this.seconds) * 100}%`);
    scrub.setAttribute("aria-valuetext", `${clock(time)}, frame ${number(at)}`);
    setText($(".clock", this.root), `${clock(time)} / ${clock(this.seconds)}`);
    setText($(".at", this.root), `Frame ${number(at)} / ${number(this.frames.count - 1)}`);
    this.dispatchEvent(new Event("frame"));
  }
}
