// Retries with growing pauses, so that an interrupted upload continues automatically.

const FIRST = 1_000; // milliseconds
const LONGEST = 30_000; // milliseconds
// Attempts after a 500: an internal error of the server rarely disappears with more.
const TRIES = 5;

const OVERLOADED = new Set([408, 425, 429, 502, 503, 504]);

// The server is still processing an earlier attempt, whose response was lost.
const IN_PROGRESS = "idempotency_in_progress";

/** Whether a retry may succeed: there was no response, or one that asks to retry. */
const isTemporary = ({ status, code }) => status === 0 || OVERLOADED.has(status) || code === IN_PROGRESS;

/** Waits, at most until the browser comes online. Rejects if the signal is aborted. */
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
 * Repeats an action until it succeeds.
 *
 * @template T
 * @param {() => Promise<T>} action must be idempotent
 * @param {object} how
 * @param {AbortSignal} how.signal cancels the retries
 * @param {(waiting: {offline: boolean, error: Error, seconds: number} | null) => void} how.onWait called
 *   before each pause, and with null after an attempt has succeeded again
 * @param {() => Promise<void>} how.signIn resolves when the user has signed in again
 * @returns {Promise<T>}
 * @throws errors that a retry cannot resolve
 */
export async function retry(action, { signal, onWait, signIn }) {
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
      if (!isTemporary(error) && !(error.status === 500 && tries < TRIES)) throw error;
      const grown = Math.min(FIRST * 2 ** (tries - 1), LONGEST);
      // Jitter, so that clients do not return all at once after an outage.
      const milliseconds = Math.max(grown * (0.75 + Math.random() / 2), error.retryAfter * 1000);
      const offline = navigator.onLine === false;
      onWait({ offline, error, seconds: Math.ceil(milliseconds / 1000) });
      await pause(offline ? LONGEST : milliseconds, signal);
    }
  }
}
