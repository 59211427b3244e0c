// Keyboard shortcuts of all pages. `?` lists those that do something on the page at hand.
// A link or button of a template joins in with aria-keyshortcuts="x": the key x clicks it, the nearest one first.

import * as places from "./places.js";
import { areKeysOn, button, element } from "./say.js";

const WAIT = 1500; // milliseconds between the keys of a sequence like “g l”

const search = () => document.querySelector("main input[type=search]:not([hidden])");
const within = (selector) => places.current()?.querySelector(selector);

// Datasette 1.0 has its own “/”, which jumps to a table or a session.
const datasettesJump = document.querySelector("navigation-search") !== null;
const ofPlayer = document.getElementById("sv-keys") !== null; // the replay has its own keys, and its own help

function find() {
  const field = search();
  if (!field) return places.open(places.page("search"));
  for (let fold = field.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  field.focus();
  field.select();
  return true;
}

const hasItems = () => !ofPlayer && places.items().length > 1;
const canSearch = () => search() !== null || places.page("search") !== null;
const context = () => within('a[href*="/context/"]') ?? document.querySelector('main article a[href*="/context/"]');
const replay = () => within('a[href*="/replay"]') ?? document.querySelector('main a[href*="/replay"]');

// Each key or sequence: what it does, and whether the page has it. What it is called is in help.js.
const KEYS = [
  ["j", () => places.step(1), hasItems],
  ["k", () => places.step(-1), hasItems],
  ["g g", places.first, hasItems],
  ["G", places.last, hasItems],
  ["/", find, () => canSearch() && !datasettesJump],
  ["s", find, () => canSearch() && !ofPlayer],
  ["c", () => places.follow(context()), () => !ofPlayer && context()],
  ["r", () => places.follow(replay()), () => !ofPlayer && replay()],
  ["[", () => places.follow(document.querySelector("main a[rel=prev]")), () => linked("prev")],
  ["]", () => places.follow(document.querySelector("main a[rel=next]")), () => linked("next")],
  ["g l", () => places.open(places.page("list")), () => places.page("list") !== null],
  ["g s", () => places.open(places.page("search")), () => places.page("search") !== null],
  ["g a", () => places.open(places.page("analytics")), () => places.page("analytics") !== null],
  ["?", () => helped().then((one) => one.toggle(known(), datasettesJump)), () => !ofPlayer],
];

function linked(rel) {
  return !ofPlayer && document.querySelector(`main a[rel=${rel}]`) !== null;
}

// Return the keys that do something here.
function known() {
  return KEYS.filter(([, , has]) => has()).map(([key]) => key);
}

let help = null; // loaded when somebody asks for it

async function helped() {
  const { Help } = await import("./help.js");
  help ??= new Help();
  return help;
}

// Add the button that opens the list of shortcuts.
function offer() {
  const hint = button("sv-keys-hint", "Keyboard shortcuts ", async () => (await helped()).show(known(), datasettesJump));
  hint.append(element("kbd", "", "?"));
  document.querySelector("main")?.append(hint);
}

let begun = ""; // the first key of a sequence
let waiting = 0;

function begin(key) {
  clearTimeout(waiting);
  begun = key;
  if (key) waiting = setTimeout(() => (begun = ""), WAIT);
}

function isOurs(event) {
  const target = event.target instanceof Element ? event.target : document.body;
  if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented || event.isComposing) return false;
  if (target.closest("input:not([type=range], [type=checkbox]), select, textarea, [contenteditable]")) return false;
  if (event.key === "?") return true;
  return areKeysOn() && !document.querySelector("dialog[open]");
}

// Click the link or button that has this key: one of the current item, or else of the page.
function clicked(key) {
  const wanted = `[aria-keyshortcuts="${CSS.escape(key)}"]`;
  const link = within(wanted) ?? document.querySelector(`main ${wanted}`);
  link?.click();
  return Boolean(link);
}

function act(key) {
  const found = KEYS.find(([keys, , has]) => keys === key && has());
  return clicked(key) || Boolean(found?.[1]());
}

document.addEventListener("keydown", (event) => {
  if (!isOurs(event) || event.key.length !== 1) return;
  const key = begun ? `${begun} ${event.key}` : event.key;
  if (!begun && event.key === "g" && KEYS.some(([keys, , has]) => keys.startsWith("g ") && has())) {
    begin("g");
    event.preventDefault();
    return;
  }
  begin("");
  if (act(key)) event.preventDefault();
});

if (!ofPlayer) offer();
