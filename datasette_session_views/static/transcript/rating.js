// Save a rating without loading the page again. The form works without this script, too.

import { addButtons } from "../common/copy.js";
import { say } from "../common/say.js";

async function send(form, pressed) {
  const fields = new URLSearchParams(new FormData(form));
  if (pressed?.name) fields.set(pressed.name, pressed.value);
  fields.set("form", "1");
  form.setAttribute("aria-busy", "true");
  const answer = await fetch(`${form.action}.json`, { method: "POST", body: fields, headers: { Accept: "application/json" } });
  const { ok, error, words, form: html } = await answer.json();
  if (!ok) throw new Error(error);
  replace(form, html, pressed);
  say(words ? `Saved: ${words}` : "Rating removed");
}

// Put the form as it is now in place of the old one, and keep the focus where it was.
function replace(form, html, pressed) {
  const card = form.closest("article");
  const made = new DOMParser().parseFromString(html, "text/html");
  const fresh = made.querySelector("form");
  const fold = form.querySelector("details");
  if (fold?.open && pressed?.name !== "delete") fresh.querySelector("details")?.setAttribute("open", "");
  form.replaceWith(fresh);
  swap(card.querySelector(".sv-rated"), made.querySelector(".sv-rated"), (rated) => {
    (card.querySelector(".sv-meta time") ?? card.querySelector(".sv-meta")?.lastElementChild)?.after(rated);
  });
  swap(card.querySelector(".sv-k-rated"), made.querySelector(".sv-k-rated"), (reason) => (fresh.closest(".sv-below") ?? fresh).before(reason));
  addButtons(fresh);
  const same = pressed && fresh.querySelector(`button[name="${pressed.name}"][value="${CSS.escape(pressed.value)}"]`);
  (same ?? fresh.querySelector("button"))?.focus({ preventScroll: true });
}

// Put a new element in the place of an old one; either may be missing.
function swap(old, made, place) {
  if (old && made) old.replaceWith(made);
  else if (old) old.remove();
  else if (made) place(made);
}

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form.sv-rate");
  if (!form || form.dataset.svPlain) return;
  event.preventDefault();
  if (form.getAttribute("aria-busy")) return;
  try {
    await send(form, event.submitter);
  } catch {
    form.removeAttribute("aria-busy");
    form.dataset.svPlain = "1"; // let the server show what is wrong
    form.requestSubmit(event.submitter);
  }
});
