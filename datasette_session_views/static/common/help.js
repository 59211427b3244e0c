// The list of keyboard shortcuts: a dialog.

import { areKeysOn, button, element, turnKeys } from "./say.js";

const WORDS = {
  j: "next exchange, hit or session",
  k: "previous exchange, hit or session",
  "g g": "first on this page",
  G: "last on this page",
  "/": "search",
  s: "search",
  c: "what the model saw at this exchange",
  r: "replay",
  "[": "previous page or exchange",
  "]": "next page or exchange",
  "g l": "list of sessions",
  "g s": "search all sessions",
  "g a": "analytics",
  "?": "show these shortcuts",
};

// Return what a link is called, without a sign before its words.
function wordsOf(link) {
  return (link.title || link.textContent).trim().replace(/^[^\p{L}]+/u, "").toLowerCase();
}

// Return keys and what they do: those of all pages that do something here, and those of the page's own links.
function named(keys, datasettesJump) {
  const all = keys.map((key) => [key, WORDS[key]]);
  const taken = new Set(keys);
  for (const link of document.querySelectorAll("main [aria-keyshortcuts]")) {
    const key = link.getAttribute("aria-keyshortcuts");
    if (taken.has(key)) continue;
    taken.add(key);
    all.splice(-1, 0, [key, wordsOf(link)]);
  }
  if (taken.has("/")) return all.filter(([key]) => key !== "s"); // the same as “/”
  if (datasettesJump) all.push(["/", "Datasette’s menu: jump to a session or a table"]);
  return all;
}

export class Help {
  dialog = null;

  toggle(...known) {
    if (this.dialog?.open) this.dialog.close();
    else this.show(...known);
    return true;
  }

  show(keys, datasettesJump) {
    this.dialog?.remove();
    this.dialog = this.made(named(keys, datasettesJump));
    document.querySelector("main").append(this.dialog);
    this.dialog.showModal();
  }

  made(keys) {
    const dialog = element("dialog", "sv-keys");
    const head = element("h2", "", "Keyboard shortcuts");
    head.id = "sv-keys-head";
    dialog.setAttribute("aria-labelledby", head.id);
    const list = element("dl");
    for (const [key, words] of keys) {
      const term = element("dt");
      for (const one of key.split(" ")) term.append(element("kbd", "", one), " ");
      list.append(term, element("dd", "", words));
    }
    const close = button("sv-btn", "Close", () => dialog.close());
    dialog.append(head, list, this.choice(), close);
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close()); // outside of its content
    return dialog;
  }

  // Return the choice whether single keys act.
  choice() {
    const label = element("label");
    const box = element("input");
    box.type = "checkbox";
    box.checked = areKeysOn();
    box.addEventListener("change", () => turnKeys(box.checked));
    label.append(box, " Use single keys as shortcuts");
    return label;
  }
}
