// The buttons and selects of the player, and the chapters: what each does when it is used.

import { areKeysOn, turnKeys } from "../common/say.js";
import * as address from "./address.js";
import { element, get, number } from "./words.js";

const SAID = 2000; // milliseconds that a button says what it did

export class Controls {
  constructor(player) {
    this.player = player;
    const { exchanges } = player.events;
    this.clicked("play", () => player.toggle());
    this.clicked("before", () => player.step(exchanges, -1));
    this.clicked("after", () => player.step(exchanges, 1));
    this.clicked("jump", () => player.stepToEvent(1));
    this.clicked("copy", () => this.copy());
    this.clicked("help", () => this.toggleKeys());
    this.clicked("more", () => this.toggleMore());
    this.clicked("full", () => this.toggleFull());
    get("seek").addEventListener("input", (event) => player.seek(Number(event.target.value)));
    get("speed").addEventListener("change", (event) => player.setSpeed(Number(event.target.value)));
    get("idle").addEventListener("change", (event) => player.setIdle(address.cap(event.target.value, null)));
    for (const [exchange, label] of Object.entries(player.data.chapters)) this.chapter(Number(exchange), label);
    get("single").checked = areKeysOn();
    get("single").addEventListener("change", (event) => turnKeys(event.target.checked));
    get("full").hidden = !document.fullscreenEnabled;
    document.addEventListener("fullscreenchange", () => this.face());
  }

  clicked(id, act) {
    get(id).addEventListener("click", act);
  }

  // Add a button that jumps to a chapter.
  chapter(exchange, label) {
    const place = this.player.events.begin(exchange);
    if (place < 0) return;
    const button = element("button", "sv-link", `#${number(exchange)} ${label}`);
    button.type = "button";
    button.addEventListener("click", () => this.player.seek(this.player.timeline.starts[place]));
    get("chapters").appendChild(element("li")).append(button);
    get("card-chapters").hidden = false;
  }

  // Update what depends on timing and speed: the scrubber's length, and the selects.
  setup({ timeline, speed, idle }) {
    get("seek").max = Math.max(1, timeline.total);
    choose(get("speed"), String(speed), (value) => `${value}×`);
    choose(get("idle"), address.capWords(idle), (value) => `up to ${value} s`);
  }

  // Show on the buttons whether it plays, and whether it fills the screen.
  face() {
    const { playing } = this.player;
    get("play").setAttribute("aria-label", playing ? "Pause" : "Play");
    get("replay").classList.toggle("sv-playing", playing);
    const words = document.fullscreenElement ? "Leave full screen" : "Full screen";
    get("full").setAttribute("aria-label", words);
    get("full").title = `${words} (f)`;
  }

  async copy() {
    const link = new URL(this.player.link(), location.href).href;
    const button = get("copy");
    try {
      await navigator.clipboard.writeText(link);
      button.textContent = "Copied";
    } catch {
      history.replaceState(null, "", link);
      button.textContent = "Link is in the address bar";
    }
    setTimeout(() => (button.textContent = "Copy link"), SAID);
  }

  // On a phone, the less used controls are hidden until they are wanted.
  toggleMore() {
    const isShown = get("replay").classList.toggle("sv-all");
    get("more").setAttribute("aria-expanded", String(isShown));
  }

  toggleFull() {
    if (document.fullscreenElement) document.exitFullscreen();
    else get("replay").requestFullscreen?.()?.catch(() => {}); // the browser may refuse it
  }

  get showsKeys() {
    return get("keys").open;
  }

  toggleKeys() {
    if (this.showsKeys) {
      get("keys").close();
      return;
    }
    this.player.pause();
    get("keys").showModal();
  }
}

// Select a value, and add it as an option if it is missing.
function choose(select, value, words) {
  if (![...select.options].some((option) => option.value === value)) select.append(new Option(words(value), value));
  select.value = value;
}
