// The dialog that creates a share link to a result.
import { shareJob } from "../api.js";
import { $, moment, setText } from "../dom.js";

const dialog = $("#share");
const made = $(".made", dialog);
const trouble = $(".error", dialog);
let job = null;

/** Opens the dialog, in which the user chooses a lifetime, creates the link and copies it. */
export function openShare(shared) {
  job = shared;
  setText($("#share-title"), `Share “${job.name}”`);
  made.hidden = trouble.hidden = true;
  dialog.showModal();
}

$("form", dialog).addEventListener("submit", async (event) => {
  event.preventDefault();
  made.hidden = trouble.hidden = true;
  const button = $(".primary", dialog);
  button.disabled = true;
  const asked = job;
  try {
    const { page, expires_at: end } = await shareJob(job.id, Number($("[name=days]:checked", dialog).value) * 86_400);
    if (asked !== job) return;
    const field = $(".address", dialog);
    field.value = new URL(page.replace(/^\/#/, "#"), location.href).href;
    setText($(".until", dialog), `Valid until ${moment(new Date(end))}.`);
    made.hidden = false;
    setText($(".copied", dialog), "");
    field.focus();
    field.select();
  } catch (error) {
    trouble.hidden = false;
    setText(trouble, error.message);
  } finally {
    button.disabled = false;
  }
});

$(".close", dialog).addEventListener("click", () => dialog.close());

$(".copy", dialog).addEventListener("click", async () => {
  const field = $(".address", dialog);
  try {
    await navigator.clipboard.writeText(field.value);
    setText($(".copied", dialog), "Copied.");
  } catch {
    // Pages have no clipboard access without https. The link is selected, so that keys can copy it.
    field.select();
    setText($(".copied", dialog), "The link is selected. Copy it with Ctrl+C or ⌘C.");
  }
});
