// Light the line of the outline whose exchange is being read, and keep it in sight.

import { fragment } from "../common/say.js";

const NEAR = 0.25; // how far down the window the line of reading is, as a part of its height

const list = document.getElementById("sv-outline");
const fold = document.getElementById("sv-beside");
const wide = matchMedia("(min-width: 60rem)");
const links = new Map();
for (const link of list?.querySelectorAll("a") ?? []) {
  const card = document.getElementById(decodeURIComponent(link.hash.slice(1)));
  if (card) links.set(card, link);
}

let lit = null;
let chosen = null; // the card that a click or a key led to: it is current until the reader scrolls, even at the page's end
let waiting = false;

// Return how far down the window the line of reading is. It sinks to the bottom at the end of the page, where the last
// exchanges can't be scrolled to the top.
function line() {
  const left = document.documentElement.scrollHeight - innerHeight - scrollY;
  const above = innerHeight * NEAR;
  return left >= innerHeight ? above : above + (innerHeight - above) * (1 - Math.max(left, 0) / innerHeight);
}

function current() {
  const at = line();
  let found = null;
  for (const card of links.keys()) {
    if (card.getBoundingClientRect().top > at) break;
    found = card;
  }
  return found ?? links.keys().next().value ?? null;
}

function light() {
  waiting = false;
  const link = links.get(chosen ?? current()) ?? null;
  if (link === lit) return;
  lit?.removeAttribute("aria-current");
  link?.setAttribute("aria-current", "true");
  lit = link;
  if (link) show(link);
}

// Scroll the list so far that a line is in it, without moving the page.
function show(link) {
  const inner = list.getBoundingClientRect();
  const box = link.getBoundingClientRect();
  if (box.top < inner.top) list.scrollTop -= inner.top - box.top + box.height;
  else if (box.bottom > inner.bottom) list.scrollTop += box.bottom - inner.bottom + box.height;
}

function soon() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(light);
}

function choose(place) {
  const card = place?.closest("article") ?? null;
  chosen = links.has(card) ? card : null;
  soon();
}

function addressed() {
  choose(document.getElementById(fragment()));
}

function read() {
  chosen = null;
}

if (links.size) {
  addEventListener("scroll", soon, { passive: true });
  addEventListener("resize", soon, { passive: true });
  addEventListener("hashchange", addressed);
  document.addEventListener("focusin", (event) => choose(event.target)); // the keys j and k move the focus
  const first = { capture: true, passive: true }; // before a key moves the focus
  for (const moved of ["wheel", "touchmove", "keydown", "pointerdown"]) addEventListener(moved, read, first);
  addressed();
}

if (fold) {
  // On a phone the list covers what it leads to, so it closes behind the reader.
  list?.addEventListener("click", (event) => {
    if (!wide.matches && event.target instanceof Element && event.target.closest("a")) fold.open = false;
  });
  // A browser that can't show what is in a closed fold has it opened where there is room.
  if (wide.matches && !CSS.supports("selector(::details-content)")) fold.open = true;
}
