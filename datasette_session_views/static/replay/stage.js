// The conversation on the page: the exchanges before a moment, and the current one as far as it has come.

import { Card } from "./card.js";
import { Texts } from "./texts.js";
import { element, get } from "./words.js";

const SHOWN = 30; // exchanges kept on the page; earlier ones are added when one scrolls back to them
const MORE = 10; // earlier exchanges added at once
const NEAR = 600; // pixels from the first one on the page at which earlier ones are added
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
    this.box = root.parentElement; // it scrolls, from the bottom: 0 is the newest exchange, and less is further up
    this.box.addEventListener("scroll", () => this.scrolled(), { passive: true });
    get("now").addEventListener("click", () => {
      this.box.scrollTop = 0;
      this.box.focus({ preventScroll: true });
    });
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
    while (this.cards.length > SHOWN && !this.isReadingBack) this.cards.shift()[1].article.remove();
    this.note();
    this.want(last, last + 2 * AHEAD);
  }

  // Show the visible exchanges first. The ones above are added when the user has stopped moving.
  leap(last) {
    const now = last < 0 ? -1 : this.whose[last];
    this.cards = [];
    for (let one = Math.max(now - AT_ONCE + 1, 0); one <= now; one++) this.cards.push([one, this.card(one, last)]);
    this.root.replaceChildren(...this.cards.map(([, card]) => card.article));
    this.box.scrollTop = 0;
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

  // -- scrolling back ------------------------------------------------------------

  get isReadingBack() {
    return this.box.scrollTop < -1;
  }

  scrolled() {
    get("now").hidden = !this.isReadingBack;
    const above = this.box.scrollHeight - this.box.clientHeight + this.box.scrollTop;
    if (above < NEAR && this.isReadingBack) this.earlier();
  }

  // Add some of the exchanges above the first one on the page.
  earlier() {
    if (!this.cards.length || this.cards[0][0] === 0) return;
    const first = this.cards[0][0];
    for (let one = first - 1; one >= Math.max(first - MORE, 0); one--) {
      const card = this.card(one, this.place);
      this.cards.unshift([one, card]);
      this.root.prepend(card.article);
    }
    this.note();
    this.want(this.begins[this.cards[0][0]], this.begins[first - 1]);
  }

  // Offer the exchanges above the first one on the page: those of this part, or the transcript for those before it.
  note() {
    this.root.querySelector(".sv-earlier")?.remove();
    if (!this.cards.length) return;
    const note = element("p", "sv-sub sv-earlier");
    if (this.cards[0][0] > 0) {
      const button = element("button", "sv-link", "Show earlier exchanges");
      button.type = "button";
      button.addEventListener("click", () => this.earlier());
      note.append(button);
    } else if (this.data.first > 1) {
      const link = element("a", "", "in the transcript");
      link.href = `${this.data.transcript_url}?from=1`;
      note.append("Exchanges before this part of the replay are ", link, ".");
    } else return;
    this.root.prepend(note);
  }

  // Make the card of an exchange, with its scenes up to one of them.
  card(whose, last) {
    const begin = this.begins[whose];
    const scene = this.data.scenes[begin];
    const { transcript_url, context_url, chapters, pauses } = this.data;
    const urls = scene.number && {
      exchange: `${transcript_url}/exchange/${scene.number}`,
      context: `${context_url}${scene.number}`,
    };
    const card = new Card(scene, chapters[scene.number], pauses[scene.id], urls);
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
