// The keys of video players and asciinema. Ignored with ctrl, alt or meta, and in text fields and selects.
// They come before those of all pages, some of which are the same.

import { areKeysOn } from "../common/say.js";

const LEAP = 5; // seconds

export function listen(player) {
  document.addEventListener("keydown", (event) => {
    const act = isOurs(event, player) ? action(event, player) : null;
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }, true);
}

function isOurs(event, player) {
  const within = event.composedPath()[0]; // the target may be the host of a text field
  const target = within instanceof Element ? within : document.body;
  if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return false;
  if (target.closest("input:not([type=range], [type=checkbox]), select, textarea, [contenteditable]")) return false;
  if (player.controls.showsKeys && event.key !== "?") return false;
  if (/^[^ ?]$/u.test(event.key) && !areKeysOn()) return false;
  const isPressed = event.key === " " || event.key === "Enter";
  return !(isPressed && target.closest("button, a, summary, [type=checkbox]"));
}

function action(event, player) {
  const { events } = player;
  const keys = {
    " ": () => player.toggle(),
    k: () => player.toggle(),
    ArrowLeft: event.shiftKey ? () => player.step(events.exchanges, -1) : () => player.leap(-LEAP),
    ArrowRight: event.shiftKey ? () => player.step(events.exchanges, 1) : () => player.leap(LEAP),
    ",": () => player.stepAndPause(events.messages, -1),
    ".": () => player.stepAndPause(events.messages, 1),
    "[": () => player.stepToEvent(-1),
    "]": () => player.stepToEvent(1),
    "<": () => player.slower(),
    ">": () => player.faster(),
    Home: () => player.seek(0),
    End: () => player.seek(player.timeline.total),
    f: () => player.controls.toggleFull(),
    c: () => player.open("context"),
    t: () => player.open("transcript"),
    "?": () => player.controls.toggleKeys(),
  };
  if (/^[0-9]$/.test(event.key)) return () => player.seek((player.timeline.total * Number(event.key)) / 10);
  return Object.hasOwn(keys, event.key) ? keys[event.key] : null;
}
