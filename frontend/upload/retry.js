// Trying again until it works: what breaks off goes on by itself.

const FIRST = 1_000;
const LONGEST = 30_000;
// The server said that something broke inside it: more tries than this will hardly mend it.
const TRIES = 5;

const OVERLOADED = new Set([408, 425, 429, 502, 503, 504]);

// The server still works on an earlier try, whose answer got lost.
const IN_PROGRESS = "idempotency_in_progress";

/** Whether the same may work later: no answer, or one that says so. */
const isPassing = ({ status, code }) => status === 0 || OVERLOADED.has(status) || code === IN_PROGRESS;

/** Waits; less if the browser comes online again. Rejects if the signal is aborted. */
function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const end = (settle, value) => {
      clearTimeout(timer);
      window.removeEventListener("online", online);
      signal.removeEventListener("abort", aborted);
      settle(value);
    };
    const online = () => end(resolve);
    const aborted = () => end(reject, signal.reason);
    const timer = setTimeout(online, milliseconds);
    window.addEventListener("online", online);
    signal.addEventListener("abort", aborted);
  });
}

/**
 * Does something until it works.
 *
 * @template T
 * @param {() => Promise<T>} action harmless to repeat
 * @param {object} how
 * @param {AbortSignal} how.signal ends it
 * @param {(waiting: {offline: boolean, error: Error, seconds: number} | null) => void} how.onWait told
 *   before each pause, and with null when it works again
 * @param {() => Promise<void>} how.signIn waits until somebody is signed in again
 * @returns {Promise<T>}
 * @throws what will not pass by waiting
 */
export async function persist(action, { signal, onWait, signIn }) {
  for (let tries = 1; ; tries += 1) {
    try {
      const value = await action();
      if (tries > 1) onWait(null);
      return value;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (error.status === 401) {
        await signIn();
        continue;
      }
      if (!isPassing(error) && !(error.status === 500 && tries < TRIES)) throw error;
      const grown = Math.min(FIRST * 2 ** (tries - 1), LONGEST);
      // Not all at the same moment, after a server was away.
      const milliseconds = Math.max(grown * (0.75 + Math.random() / 2), error.retryAfter * 1000);
      const offline = navigator.onLine === false;
      onWait({ offline, error, seconds: Math.ceil(milliseconds / 1000) });
      await pause(offline ? LONGEST : milliseconds, signal);
    }
  }
}
