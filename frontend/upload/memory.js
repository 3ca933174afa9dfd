// The uploads that this browser has begun and not ended, so that a reload loses none of them.

const KEY = "poseway-uploads";

function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY));
    return Array.isArray(kept) ? kept : [];
  } catch {
    return []; // storage may be switched off
  }
}

function write(kept) {
  try {
    localStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // Then a reload begins anew.
  }
}

/** What is remembered: [{id, name, size, lastModified}]. */
export const remembered = read;

export function remember({ id }, { name, size, lastModified }) {
  write([...read().filter((kept) => kept.id !== id), { id, name, size, lastModified }]);
}

export function forget(id) {
  write(read().filter((kept) => kept.id !== id));
}

/** Why a file is not the one that an upload was begun with; null if it is. */
export function difference(kept, file) {
  if (file.size !== kept.size) return `“${file.name}” is a different file: its size differs.`;
  if (file.lastModified !== kept.lastModified) {
    return `“${file.name}” has changed since the upload started, or is a different file.`;
  }
  return null;
}

const lockName = (id) => `poseway-upload-${id}`;

/** Does something that other tabs can see, so that they leave this upload alone. */
export function holding(id, action) {
  // There only where the page came over https, or from this computer.
  return navigator.locks ? navigator.locks.request(lockName(id), action) : action();
}

/** Whether another tab sends this upload. */
export async function isHeld(id) {
  if (!navigator.locks) return false;
  return navigator.locks.request(lockName(id), { ifAvailable: true }, (lock) => lock === null);
}
