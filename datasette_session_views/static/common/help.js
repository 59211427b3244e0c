// The list of keyboard shortcuts: a dialog.

import { areKeysOn, button, element, turnKeys } from "./say.js";

export class Help {
  dialog = null;

  toggle(keys) {
    if (this.dialog?.open) this.dialog.close();
    else this.show(keys);
    return true;
  }

  show(keys) {
    this.dialog?.remove();
    this.dialog = this.made(keys);
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
