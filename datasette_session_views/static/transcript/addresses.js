// The places of a transcript: the address bar names an exchange by its id, and leads to it on whatever page it is.

import { fragment } from "../common/say.js";

const LED = "sv-led"; // where the server was asked for a place, so that it is asked once

// The part of the path that names the session, whatever page of it this is.
function session() {
  return location.pathname.match(/^(.*\/-\/session\/[^/]+)/)?.[1] ?? null;
}

// The id or the number of the exchange that a place names, or null: #e-01k…, #57, #attempt-01k…, #undone-01k…
function named(place) {
  return place.match(/^(?:e-|attempt-|undone-)(.+)$/)?.[1] ?? place.match(/^\d{1,11}$/)?.[0] ?? null;
}

// Go where the address leads: to a card, from an older address to its new one, or to the page that has it.
function lead() {
  const name = fragment();
  if (!name) return;
  const there = document.getElementById(name);
  const card = there?.closest("article.sv-ex");
  if (card && card !== there && card.firstElementChild === there) {
    location.replace(`#${encodeURIComponent(card.id)}`);
  } else if (card === there && card) {
    sessionStorage.removeItem(LED);
    showFound(card);
  } else if (!there) {
    ask(named(name));
  }
}

// Ask the server for the page that has an exchange.
function ask(exchange) {
  const path = session();
  const address = exchange && path ? `${path}/exchange/${encodeURIComponent(exchange)}${location.search}` : null;
  if (!address || sessionStorage.getItem(LED) === address) return;
  sessionStorage.setItem(LED, address);
  location.replace(address);
}

// Show the first word that was found in a card, if it is out of sight.
function showFound(card) {
  const mark = card.querySelector("mark");
  if (!mark) return;
  const { top, bottom } = mark.getBoundingClientRect();
  if (top < 0 || bottom > innerHeight) mark.scrollIntoView({ block: "center" });
}

// The number of an exchange puts its lasting address into the address bar, without loading the page again.
document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element ? event.target.closest(".sv-no a[href], a.sv-no[href]") : null;
  const card = link?.closest("article.sv-ex");
  if (!card || !link.pathname.includes("/exchange/")) return;
  event.preventDefault();
  location.hash = encodeURIComponent(card.id);
  history.replaceState(history.state, "", link.href);
});

// The browser goes to the place itself once the page is there, and would undo what came before.
if (document.readyState === "complete") lead();
else addEventListener("load", () => requestAnimationFrame(lead), { once: true });
addEventListener("hashchange", lead);
