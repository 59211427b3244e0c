// The places that keys lead to: things on the page, and other pages.

const ITEMS = "main article.sv-ex, main .sv-hit, main table.sv-list > tbody > tr:not(.sv-panel *)";
const EDGE = 8; // pixels: something that is so close to the top of the window is at the top

// Return what j and k step through: exchanges, hits, or the rows of a list.
export function items() {
  return [...document.querySelectorAll(ITEMS)].filter((one) => one.offsetParent !== null);
}

// Return the item that has the focus or, else, the one at the top of the window.
export function current() {
  const all = items();
  const focused = all.find((one) => one.contains(document.activeElement));
  return focused ?? all.findLast((one) => top(one) <= EDGE) ?? all[0] ?? null;
}

// Go to the next or the previous item.
export function step(direction) {
  const all = items();
  const place = all.findIndex((one) => one.contains(document.activeElement));
  let next;
  if (place >= 0) next = all[place + direction];
  else if (direction > 0) next = all.find((one) => top(one) > EDGE);
  else next = all.findLast((one) => top(one) < -EDGE);
  return go(next);
}

export function first() {
  return go(items()[0]);
}

export function last() {
  return go(items().at(-1));
}

function top(item) {
  return item.getBoundingClientRect().top;
}

function go(item) {
  if (!item) return false;
  const exchange = item.matches("article");
  const target = exchange ? item : (item.querySelector("a") ?? item);
  if (!target.matches("a, button") && !target.hasAttribute("tabindex")) target.tabIndex = -1;
  item.scrollIntoView({ block: exchange ? "start" : "nearest" });
  target.focus({ preventScroll: true });
  return true;
}

// Return the part of the path before our pages: the database and what is before it.
function base() {
  return location.pathname.match(/^(.*)\/-\/sessions?(?:[/.]|$)/)?.[1] ?? null;
}

// Return the URL of the list, the search or the analytics of the log that the page is about, or null.
export function page(name) {
  const log = base();
  if (log === null) return null;
  if (name === "list") return `${log}/-/sessions`;
  return log === "" || document.body.classList.contains("sv-page-all") ? null : `${log}/-/sessions/${name}`;
}

// Go where a link leads, if there is one.
export function follow(link) {
  if (!link) return false;
  link.click();
  return true;
}

export function open(address) {
  if (address === null) return false;
  location.assign(address);
  return true;
}
