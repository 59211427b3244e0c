// The conversation on the page: the exchanges before a moment, and the current one as far as it has come.

import { Card } from "./card.js";
import { Texts } from "./texts.js";
import { element } from "./words.js";

const SHOWN = 30; // exchanges kept on the page; earlier ones are in the transcript
const AT_ONCE = 5; // exchanges added at once after a jump
const AHEAD = 12; // scenes ahead whose HTML is requested
const FAR = 50; // scenes to look ahead for more of the same exchange
const SETTLED = 120; // milliseconds after a jump before earlier exchanges are added, so that none are during a drag

// The exchange or attempt of each scene, and the first scene of each.
function grouped(scenes) {
  const begins = [];
  const whose = scenes.map((scene, index) => {
    if (index === 0 || scene.first) begins.push(index);
    else if (scene.number !== scenes[begins.at(-1)].number) {
      return begins.findLastIndex((begin) => scenes[begin].number === scene.number);
    }
    return begins.length - 1;
  });
  return { begins, whose };
}

export class Stage {
  // `whole`: show replies only when complete, because the user wants less motion.
  constructor(root, data, whole) {
    Object.assign(this, { root, data, whole }, grouped(data.scenes));
    this.texts = new Texts(data);
    this.place = -1; // the last scene on the page, begun or over
    this.cards = []; // [exchange or attempt, its card], oldest first
  }

  show({ done, part }) {
    const last = part === null ? done - 1 : done;
    if (last !== this.place) this.move(last);
    if (last < 0) return;
    const begun = this.whole ? 0 : part;
    this.reveal(last, part === null ? 1 : begun);
  }

  reveal(index, part) {
    this.find(this.whose[index])?.reveal(index, part, this.data.scenes[index], this.texts.of(index));
  }

  find(whose) {
    return this.cards.findLast(([one]) => one === whose)?.[1];
  }

  move(last) {
    clearTimeout(this.filling);
    if (last === this.place + 1 && this.place >= 0) this.goOn(last);
    else this.leap(last);
    this.place = last;
  }

  goOn(last) {
    this.reveal(this.place, 1);
    this.add(last);
    while (this.cards.length > SHOWN) this.cards.shift()[1].article.remove();
    this.note();
    this.want(last, last + 2 * AHEAD);
  }

  // Show the visible exchanges first. The ones above are added when the user has stopped moving.
  leap(last) {
    const now = last < 0 ? -1 : this.whose[last];
    this.cards = [];
    for (let one = Math.max(now - AT_ONCE + 1, 0); one <= now; one++) this.cards.push([one, this.card(one, last)]);
    this.root.replaceChildren(...this.cards.map(([, card]) => card.article));
    const first = this.place === -1;
    if (first) this.want(last, last + AHEAD);
    this.filling = setTimeout(() => this.fill(last), first ? 0 : SETTLED);
  }

  // Add the exchanges above the visible ones, a few at a time.
  fill(last) {
    const begun = this.cards.length ? this.cards[0][0] : 0;
    const wanted = Math.max(begun + this.cards.length - SHOWN, 0, begun - AT_ONCE);
    for (let one = begun - 1; one >= wanted; one--) {
      const card = this.card(one, last);
      this.cards.unshift([one, card]);
      this.root.prepend(card.article);
    }
    if (begun > wanted && this.cards.length < SHOWN && wanted > 0) this.filling = setTimeout(() => this.fill(last), 0);
    this.note();
    this.want(last, last + AHEAD, this.begins[wanted]);
  }

  // Request the HTML of these scenes, in this order.
  want(...places) {
    for (const place of places) {
      this.texts.want(Math.min(Math.max(place, 0), this.whose.length - 1), () => this.dress());
    }
  }

  dress() {
    for (const [, card] of this.cards) {
      for (const index of card.scenes.keys()) card.dress(index, this.texts.html(index));
    }
  }

  // Link to the transcript for exchanges that are no longer on the page.
  note() {
    this.root.querySelector(".sv-earlier")?.remove();
    if (!this.cards.length || this.cards[0][0] === 0) return;
    const note = element("p", "sv-sub sv-earlier");
    const link = element("a", "", "in the transcript");
    link.href = `${this.data.transcript_url}?from=1`;
    note.append("Earlier exchanges are ", link, ".");
    this.root.prepend(note);
  }

  // Make the card of an exchange, with its scenes up to one of them.
  card(whose, last) {
    const begin = this.begins[whose];
    const scene = this.data.scenes[begin];
    const card = new Card(scene, this.data.chapters[scene.number]);
    for (let index = begin; index <= last && index < this.whose.length; index++) {
      if (this.whose[index] === whose) this.within(card, index);
      else if (index - begin > FAR) break;
    }
    return card;
  }

  within(card, index) {
    card.add(index, this.texts.of(index), this.texts.html(index));
    card.reveal(index, 1, this.data.scenes[index], this.texts.of(index));
  }

  add(index) {
    const whose = this.whose[index];
    const found = this.find(whose);
    if (found) {
      this.within(found, index);
      return;
    }
    const card = this.card(whose, index);
    this.cards.push([whose, card]);
    this.root.append(card.article);
  }
}
