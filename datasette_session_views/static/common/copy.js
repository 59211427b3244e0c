// Copy buttons. A button appears
// - in each block of code (.sv-code);
// - after each element with the attribute data-sv-copy: it copies the attribute or, if that is empty, the element's text.
// A button written by the server, with the attributes data-sv-copy and hidden, is shown and copies its own attribute;
// with data-sv-copy-of="ID", a button copies the text of the element with that id.

import { button, element, sayOn } from "./say.js";

const LABEL = "Copy";

async function copy(pressed, text, source) {
  let said = "Copied";
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    if (!source) return;
    getSelection().selectAllChildren(source); // without a secure connection there is no clipboard
    said = "Selected";
  }
  sayOn(pressed, said);
}

// Return the text of an element as a person sees it, but without our own buttons.
function textOf(source) {
  return source.matches("code, pre") ? source.textContent : source.innerText;
}

const done = new WeakSet(); // elements that can be copied already

function isNew(one) {
  return !done.has(one) && Boolean(done.add(one));
}

export function addButtons(root) {
  for (const block of root.querySelectorAll(".sv-code")) {
    const code = block.querySelector("code");
    if (code && isNew(block)) block.append(button("sv-copy", LABEL, (event) => copy(event.currentTarget, code.textContent, code)));
  }
  for (const one of root.querySelectorAll("[data-sv-copy]")) {
    if (!isNew(one)) continue;
    const text = () => one.dataset.svCopy || textOf(one);
    if (one.matches("button")) {
      one.hidden = false;
      one.addEventListener("click", () => copy(one, one.dataset.svCopy, null));
    } else {
      const made = button("sv-copy sv-copy-beside", LABEL, (event) => copy(event.currentTarget, text(), one));
      made.append(element("span", "sv-aside", `: ${text().slice(0, 80)}`));
      made.dataset.svLabel = LABEL;
      one.after(made);
    }
  }
  for (const one of root.querySelectorAll("button[data-sv-copy-of]")) {
    const source = document.getElementById(one.dataset.svCopyOf);
    if (!source || !isNew(one)) continue;
    one.hidden = false;
    one.addEventListener("click", () => copy(one, textOf(source), source));
  }
}

addButtons(document);
