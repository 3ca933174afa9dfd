// How fast something goes: bytes a second over the last seconds, which jumps less than the last moment.

const WINDOW = 6_000;

export class Speed {
  #samples = [];

  /** Takes in how much is done now. Less than before: it begins anew. */
  add(done, now = performance.now()) {
    if (done < this.#samples.at(-1)?.done) this.#samples = [];
    this.#samples.push({ done, now });
    while (this.#samples.length > 2 && now - this.#samples[1].now > WINDOW) this.#samples.shift();
  }

  /** Forgets, after a pause. */
  clear() {
    this.#samples = [];
  }

  /** Bytes a second; null as long as too little is known. */
  get perSecond() {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || last.now - first.now < 500) return null;
    return ((last.done - first.done) * 1000) / (last.now - first.now);
  }
}
