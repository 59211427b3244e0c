// Small things that several scripts need.

let place = null;

// Tell users of screen readers what has happened. Nothing is seen.
export function say(words) {
  if (!place) {
    place = element("div", "sv-aside");
    place.setAttribute("role", "status");
    document.body.append(place);
  }
  place.textContent = "";
  setTimeout(() => (place.textContent = words), 50); // the same words a second time are a change, too
}

const SHOWN = 2000; // milliseconds that a button says what it did

// Say what a button did in the place of its own words, for a moment.
export function sayOn(pressed, said) {
  const words = (pressed.dataset.svLabel ??= pressed.textContent);
  pressed.textContent = said;
  say(said);
  setTimeout(() => (pressed.textContent = words), SHOWN);
}

// Return the id that the address of the page leads to, or "".
export function fragment() {
  const id = location.hash.slice(1);
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}

export function element(name, className = "", text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

export function button(className, text, act) {
  const made = element("button", className, text);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}

// A value that this browser remembers, or null. Some browsers forbid to remember anything.
function remembered(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

function remember(name, value) {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch {
    // it holds until the page is left
  }
}

const OFF = "sv-keys-off";

// Whether single keys act as shortcuts. People who speak to their computer must be able to stop that.
export function areKeysOn() {
  return remembered(OFF) === null;
}

export function turnKeys(on) {
  remember(OFF, on ? null : "1");
}
