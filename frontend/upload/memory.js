// Unfinished uploads of this browser, remembered so that a reload loses none of them.

const KEY = "poseway-uploads";

function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY));
    return Array.isArray(kept) ? kept : [];
  } catch {
    return []; // storage may be disabled
  }
}

function write(kept) {
  try {
    localStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // A reload will start the upload again.
  }
}

/** Returns the remembered uploads: [{id, name, size, lastModified}]. */
export const remembered = read;

export function remember({ id }, { name, size, lastModified }) {
  write([...read().filter((kept) => kept.id !== id), { id, name, size, lastModified }]);
}

export function forget(id) {
  write(read().filter((kept) => kept.id !== id));
}

/** Explains why a file is not the one whose upload was started; null if it is. */
export function difference(kept, file) {
  if (file.size !== kept.size) return `“${file.name}” is a different file: its size differs.`;
  if (file.lastModified !== kept.lastModified) {
    return `“${file.name}” has changed since the upload started, or is a different file.`;
  }
  return null;
}

const lockName = (id) => `poseway-upload-${id}`;

/** Runs an action while holding a lock that keeps other tabs from sending the same upload. */
export function withLock(id, action) {
  // The lock API exists only over https and on localhost.
  return navigator.locks ? navigator.locks.request(lockName(id), action) : action();
}

/** Whether another tab is sending this upload. */
export async function isLocked(id) {
  if (!navigator.locks) return false;
  return navigator.locks.request(lockName(id), { ifAvailable: true }, (lock) => lock === null);
}
