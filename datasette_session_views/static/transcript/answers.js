// A button below each reply that copies it as the model wrote it, in Markdown.

import { button, element, sayOn } from "../common/say.js";

async function copy(card) {
  const text = import("./written.js").then((written) => written.answerOf(card));
  try {
    // Safari writes only what is promised in the click itself; other browsers may know no promises here.
    await navigator.clipboard.write([new ClipboardItem({ "text/plain": text.then((one) => new Blob([one], { type: "text/plain" })) })]);
  } catch {
    await navigator.clipboard.writeText(await text);
  }
}

function select(card) {
  const range = document.createRange();
  const replies = card.querySelectorAll(".sv-reply");
  range.setStartBefore(replies[0]);
  range.setEndAfter(replies[replies.length - 1]);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
}

async function pressed(card, one) {
  let said = "Copied";
  try {
    await copy(card);
  } catch {
    select(card); // without a secure connection there is no clipboard
    said = "Selected";
  }
  sayOn(one, said);
}

for (const card of document.querySelectorAll("article.sv-ex:not(.sv-attempt)")) {
  if (card.querySelector(".sv-reply > .sv-no-text")) continue;
  const row = card.querySelector(".sv-below") ?? card.appendChild(element("div", "sv-below"));
  row.append(button("sv-answer", "Copy reply", (event) => pressed(card, event.currentTarget)));
}
