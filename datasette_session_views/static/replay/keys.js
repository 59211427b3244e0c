// The keys of video players and asciinema. Ignored with ctrl, alt or meta, and in text fields and selects.

const LEAP = 5; // seconds

export function listen(player) {
  document.addEventListener("keydown", (event) => {
    const act = isOurs(event, player) ? action(event, player) : null;
    if (!act) return;
    event.preventDefault();
    act();
  });
}

function isOurs(event, player) {
  const target = event.target instanceof Element ? event.target : document.body;
  if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return false;
  if (target.closest("input:not([type=range]), select, textarea, [contenteditable]")) return false;
  if (player.showsKeys && event.key !== "?") return false;
  const isPressed = event.key === " " || event.key === "Enter";
  return !(isPressed && target.closest("button, a, summary"));
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
    "?": () => player.toggleKeys(),
  };
  if (/^[0-9]$/.test(event.key)) return () => player.seek((player.timeline.total * Number(event.key)) / 10);
  return Object.hasOwn(keys, event.key) ? keys[event.key] : null;
}
