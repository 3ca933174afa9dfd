// Speed in bytes per second, averaged over a few seconds so that it does not jump.

const WINDOW = 6_000; // milliseconds

export class Speed {
  #samples = [];

  /** Records the number of bytes sent so far. A smaller number than before restarts the average. */
  add(done, now = performance.now()) {
    if (done < this.#samples.at(-1)?.done) this.#samples = [];
    this.#samples.push({ done, now });
    while (this.#samples.length > 2 && now - this.#samples[1].now > WINDOW) this.#samples.shift();
  }

  /** Restarts the average, after a pause. */
  clear() {
    this.#samples = [];
  }

  /** Bytes per second; null until there are enough samples. */
  get perSecond() {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || last.now - first.now < 500) return null;
    return ((last.done - first.done) * 1000) / (last.now - first.now);
  }
}
