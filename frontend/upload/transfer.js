// Sends one file as a multipart upload, several parts at a time, and resumes where it stopped.
import { Problem } from "../http.js";
import * as api from "./api.js";
import { retry } from "./retry.js";

const IN_FLIGHT = 3;
// How often parts are sent again that the server accepted but then reports as missing.
const ROUNDS = 3;

/**
 * Sends a file.
 *
 * @param {File} file
 * @param {object} upload as the server returned it, with the parts received so far
 * @param {object} how
 * @param {AbortSignal} how.signal stops the transfer; received parts remain on the server
 * @param {(sent: number) => void} how.onProgress called with the bytes of the file sent so far
 * @param how.onWait see `retry`
 * @param how.signIn see `retry`
 * @returns {Promise<object>} the job that the upload became
 */
export async function transfer(file, upload, how) {
  for (let round = 1; ; round += 1) {
    await sendParts(file, upload, how);
    try {
      return await retry(() => api.completeUpload(upload.id, how.signal), how);
    } catch (error) {
      if (error.code !== "upload_incomplete" || round === ROUNDS) throw error;
      upload = await retry(() => api.getUpload(upload.id), how);
    }
  }
}

async function sendParts(file, upload, how) {
  const size = upload.part_bytes;
  const there = new Set(upload.parts.map(({ number }) => number));
  const missing = [];
  for (let number = 1; (number - 1) * size < file.size; number += 1) {
    if (!there.has(number)) missing.push(number);
  }
  const sent = new Map(upload.parts.map((part) => [part.number, part.size]));
  const report = () => how.onProgress([...sent.values()].reduce((sum, bytes) => sum + bytes, 0));
  report();

  // The first part that fails permanently aborts the others.
  const all = new AbortController();
  const signal = AbortSignal.any([how.signal, all.signal]);
  const sender = new PartSender(upload, signal);
  const worker = async () => {
    while (missing.length) {
      const number = missing.shift();
      const bytes = file.slice((number - 1) * size, number * size);
      const onProgress = (count) => {
        sent.set(number, Math.min(count, bytes.size));
        report();
      };
      await retry(async () => {
        onProgress(0);
        await sender.send(number, bytes, onProgress);
      }, { ...how, signal });
      onProgress(bytes.size);
    }
  };
  const workers = Array.from({ length: Math.min(IN_FLIGHT, missing.length) }, worker);
  try {
    await Promise.all(workers);
  } finally {
    all.abort();
    await Promise.allSettled(workers);
  }
}

/** Sends parts directly to object storage if that works, otherwise through the gateway. */
class PartSender {
  constructor({ id, direct }, signal) {
    this.id = id;
    this.direct = direct;
    this.signal = signal;
  }

  async send(number, bytes, onProgress) {
    if (this.direct) {
      try {
        return await api.sendPartDirect(this.id, number, bytes, onProgress, this.signal);
      } catch {
        this.signal.throwIfAborted();
        onProgress(0);
      }
    }
    try {
      await api.sendPart(this.id, number, bytes, onProgress, this.signal);
    } catch (error) {
      if (error.status === 0) await checkReadable(bytes);
      throw error;
    }
    this.direct = false; // the gateway works, direct access did not
  }
}

/** Tells a file that was moved or changed since it was chosen from a broken connection. */
async function checkReadable(bytes) {
  try {
    await bytes.slice(0, 1).arrayBuffer();
  } catch {
    throw new Problem("The file can no longer be read because it was moved or changed. Choose it again.", {
      status: 400,
    });
  }
}
