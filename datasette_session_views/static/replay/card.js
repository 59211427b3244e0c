// An exchange or an attempt on the stage, and the pieces of its messages.

import { Growing } from "./growing.js";
import { date, element, number } from "./words.js";

const SPOKEN = ["you", "reply", "failed"]; // shown open; everything else is folded

const NAMES = {
  system: "System prompt",
  reasoning: "Reasoning",
  tool_call: "Tool call",
  tool_result: "Result of",
  fragment: "Fragment",
  recalled: "Recalled",
  file: "Attachment",
};

// One piece of a message, shown as plain text until its HTML arrives.
class Piece {
  constructor([kind, name, text]) {
    const spoken = SPOKEN.includes(kind);
    this.part = 1;
    this.within = element("div", spoken ? `sv-${kind}` : "sv-in");
    this.within.append(element("div", "sv-plain", text));
    this.block = spoken ? this.within : this.folded(kind, name, text);
  }

  folded(kind, name, text) {
    const block = element("details", "sv-fold");
    const summary = element("summary");
    summary.append(element("b", "", NAMES[kind] ?? "Other"), ` ${name}`);
    if (kind === "tool_call" || kind === "tool_result") summary.append(` ${text.slice(0, 100)}`);
    block.append(summary, this.within);
    return block;
  }

  dress(html) {
    if (!html || this.dressed) return;
    this.dressed = true;
    this.growing = null;
    this.within.innerHTML = html; // safe: rendered by the same code as the transcript, under the same policy
    this.reveal(this.part);
  }

  reveal(part) {
    this.part = part;
    if (part < 1) this.growing ??= new Growing(this.within);
    this.growing?.to(part);
  }
}

// An exchange or an attempt on the page, with its scenes up to one of them.
export class Card {
  constructor(scene, chapter) {
    this.scenes = new Map(); // index of a scene -> its pieces, [before, after]
    this.article = element("article", "sv-ex");
    if (scene.number) this.article.dataset.number = scene.number;
    if (scene.marks.includes("cut")) this.article.append(element("div", "sv-cut", "From here on, older exchanges are no longer sent."));
    if (chapter) this.article.append(element("h3", "sv-chapter", chapter));
    this.tokens = element("span");
    this.article.append(this.meta(scene));
  }

  meta(scene) {
    const meta = element("div", "sv-meta");
    meta.append(element("span", "sv-no", scene.number ? `#${number(scene.number)}` : "failed prompt"));
    if (scene.marks.includes("pin")) meta.append(element("span", "sv-pin", "◆ pinned"));
    meta.append(element("span", "", date(Date.parse(scene.utc))), element("span", "", scene.model), this.tokens);
    if (scene.rated) meta.append(element("span", "sv-rated", scene.rated));
    return meta;
  }

  add(index, texts, html) {
    const pieces = texts.map((side) => side.map((piece) => new Piece(piece)));
    this.scenes.set(index, pieces);
    for (const piece of pieces.flat()) this.article.append(piece.block);
    this.dress(index, html);
  }

  dress(index, html) {
    if (!html) return;
    this.scenes.get(index).forEach((side, which) => {
      side.forEach((piece, place) => piece.dress(html[which][place]));
    });
  }

  // Show a part of a scene's output: piece by piece, and the last piece letter by letter.
  reveal(index, part, scene, [, after]) {
    const lengths = after.map(([, , text]) => text.length);
    const whole = lengths.reduce((sum, length) => sum + length, 0);
    let left = Math.floor(whole * part);
    this.scenes.get(index)[1].forEach((piece, place) => {
      const length = lengths[place];
      const there = part >= 1 || left > 0;
      if (there && !piece.block.parentNode) this.article.append(piece.block);
      if (!there) piece.block.remove();
      piece.reveal(part >= 1 || !length ? 1 : Math.min(left, length) / length);
      left -= Math.min(left, length);
    });
    this.tokens.textContent = part < 1 ? speed(scene) : spent(scene);
  }
}

function speed(scene) {
  if (!scene.output || !scene.run) return "";
  return `streaming at ${number(Math.round((1000 * scene.output) / scene.run))} tokens a second`;
}

function spent(scene) {
  return scene.output === null ? "" : `${number(scene.input ?? 0)} → ${number(scene.output)} tokens`;
}
