// Shows the text of an element up to a letter and hides the rest.

import { beginning } from "./words.js";

export class Growing {
  constructor(root) {
    this.entries = []; // elements and texts in order, with the letter at which each begins
    this.total = 0;
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const text = node.nodeType === Node.TEXT_NODE ? node.data : null;
      if (text !== null && !text.trim() && !node.parentElement.closest("pre, .sv-plain")) continue;
      this.entries.push({ node, text, at: this.total });
      this.total += text?.length ?? 0;
    }
    this.begun = this.entries.length;
    this.tail = null; // the text that is partly shown
  }

  to(part) {
    const letters = Math.floor(this.total * part);
    this.complete();
    const isBegun = ({ at }) => at < letters || part >= 1;
    for (; this.begun < this.entries.length && isBegun(this.entries[this.begun]); this.begun++) {
      this.put(this.begun, true);
    }
    for (; this.begun > 0 && !isBegun(this.entries[this.begun - 1]); this.begun--) this.put(this.begun - 1, false);
    if (part < 1) this.cut(letters);
  }

  // Show all of the text that is partly shown.
  complete() {
    if (!this.tail) return;
    this.tail.node.data = this.tail.text;
    this.tail.node.parentElement.classList.remove("sv-caret");
    this.tail = null;
  }

  // Show the last text up to a letter.
  cut(letters) {
    let last = this.begun - 1;
    while (last >= 0 && this.entries[last].text === null) last--;
    if (last < 0) return;
    this.tail = this.entries[last];
    this.tail.node.data = beginning(this.tail.text, letters - this.tail.at);
    this.tail.node.parentElement.classList.add("sv-caret");
  }

  put(place, shown) {
    const { node, text } = this.entries[place];
    if (text === null) node.hidden = !shown;
    else node.data = shown ? text : "";
  }
}
