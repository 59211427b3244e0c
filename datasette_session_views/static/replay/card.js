// An exchange or an attempt on the stage, and the pieces of its messages.

import { show as inZone } from "../common/times.js";
import { Growing } from "./growing.js";
import { element, moment, number } from "./words.js";

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

// Who speaks, above what is said.
function speaker(name) {
  const heading = element("h3", "sv-who");
  heading.append(element("bdi", "", name));
  return heading;
}

// One piece of a message, shown as plain text until its HTML arrives. `who` is a new speaker, or null.
class Piece {
  constructor([kind, name, text], who) {
    this.part = 1;
    this.within = element("div", SPOKEN.includes(kind) ? "sv-said" : "sv-in");
    const plain = element("div", "sv-plain", text);
    plain.dir = "auto";
    this.within.append(plain);
    this.block = SPOKEN.includes(kind) ? this.spoken(kind, who) : this.folded(kind, name, text);
    this.heading = SPOKEN.includes(kind) || !who ? null : speaker(who); // above a fold
  }

  get blocks() {
    return this.heading ? [this.heading, this.block] : [this.block];
  }

  spoken(kind, who) {
    const block = element("div", `sv-${kind}`);
    if (who) block.append(speaker(who));
    block.append(this.within);
    return block;
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
  // `pause` is the long pause before it in words, if there was one. `urls` are those of its exchange in the transcript
  // and of what the model saw, or null for an attempt.
  constructor(scene, chapter, pause, urls) {
    this.scenes = new Map(); // index of a scene -> its pieces, [before, after]
    this.article = element("article", "sv-ex");
    this.article.setAttribute("aria-label", scene.number ? `Exchange ${scene.number}` : "Failed prompt");
    if (scene.number) this.article.dataset.number = scene.number;
    if (pause) this.article.append(element("div", "sv-gap", pause));
    if (scene.marks.includes("cut")) this.article.append(element("div", "sv-cut", "From here on, older exchanges are no longer sent."));
    this.tokens = element("span");
    this.model = scene.model;
    this.speaker = null;
    this.article.append(this.meta(scene, chapter, urls));
  }

  meta(scene, chapter, urls) {
    const meta = element("div", "sv-meta");
    const heading = element("h2", "sv-no");
    heading.append(urls ? link(urls.exchange, `#${number(scene.number)}`, "Show it in the transcript") : "Failed prompt");
    if (chapter) heading.append(" ", element("bdi", "sv-chapter", chapter));
    meta.append(heading);
    if (scene.marks.includes("pin")) meta.append(element("span", "sv-pin", "◆ pinned"));
    meta.append(moment(scene.utc), this.tokens);
    inZone(meta);
    if (scene.rated) meta.append(element("span", "sv-rated", scene.rated));
    if (!urls) return meta;
    const rows = element("span", "sv-rows");
    rows.append(link(urls.context, "what the model saw"));
    meta.append(rows);
    return meta;
  }

  add(index, texts, html) {
    const pieces = texts.map((side, which) => side.map((piece) => new Piece(piece, this.speaks(piece[0], which === 1))));
    this.scenes.set(index, pieces);
    for (const piece of pieces.flat()) this.article.append(...piece.blocks);
    this.dress(index, html);
  }

  // Return who says a piece, if it is another one than before.
  speaks(kind, isOutput) {
    const said = kind === "failed" ? "Failed" : this.model;
    const asked = kind === "you" ? "You" : null;
    const who = isOutput ? said : asked;
    if (!who || who === this.speaker) return null;
    this.speaker = who;
    return who;
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
      if (there && !piece.block.parentNode) this.article.append(...piece.blocks);
      if (!there) for (const block of piece.blocks) block.remove();
      piece.reveal(part >= 1 || !length ? 1 : Math.min(left, length) / length);
      left -= Math.min(left, length);
    });
    this.tokens.textContent = part < 1 ? speed(scene) : spent(scene);
  }
}

function link(href, text, title = "") {
  const made = element("a", "", text);
  made.href = href;
  made.title = title;
  return made;
}

function speed(scene) {
  if (!scene.output || !scene.run || scene.paced) return "";
  return `streaming at ${number(Math.round((1000 * scene.output) / scene.run))} tokens per second`;
}

function spent(scene) {
  return scene.output === null ? "" : `${number(scene.input ?? 0)} → ${number(scene.output)} tokens`;
}
