// The player: its position, whether it plays and how fast. It updates the stage, the rail and the clocks.

import * as address from "./address.js";
import { Timeline } from "./clock.js";
import { Events, totals } from "./events.js";
import * as keys from "./keys.js";
import * as marks from "./marks.js";
import { Rail } from "./rail.js";
import { Stage } from "./stage.js";
import { date, dollars, duration, element, get, number } from "./words.js";

const LONGEST_FRAME = 1000; // milliseconds that one frame counts at most, so that a hidden tab continues where it was
const GRACE = 500; // milliseconds: during play, “back” skips a scene that has only just begun
const SETTLED = 200; // milliseconds after which the URL is updated

// Let the browser draw and handle keys.
function breathe() {
  return globalThis.scheduler?.yield?.() ?? new Promise((go) => setTimeout(go));
}

export class Player {
  // Start in small steps, so that no task blocks the browser in a long session. `still`: the user wants less motion.
  static async open(given, asked, still) {
    const data = JSON.parse(given.textContent);
    const wanted = address.read(asked, data.idle);
    const player = new Player(data, wanted);
    await breathe();
    player.totals = totals(data.scenes);
    player.wire();
    await breathe();
    get("replay").hidden = false;
    player.rail = new Rail(data);
    await breathe();
    player.setup();
    await breathe();
    player.stage = new Stage(get("said"), data, still);
    player.draw();
    if (wanted.plays && !still) player.play();
  }

  constructor(data, { speed, idle, exchange, seconds }) {
    Object.assign(this, { data, speed, idle });
    this.playing = false;
    this.events = new Events(data);
    this.timeline = new Timeline(data.scenes, idle);
    const begin = exchange === null ? -1 : this.events.begin(exchange);
    this.moment = begin < 0 ? 0 : this.timeline.within(this.timeline.starts[begin] + seconds * 1000);
  }

  wire() {
    const clicked = (id, act) => get(id).addEventListener("click", act);
    clicked("play", () => this.toggle());
    clicked("before", () => this.step(this.events.exchanges, -1));
    clicked("after", () => this.step(this.events.exchanges, 1));
    clicked("jump", () => this.stepToEvent(1));
    clicked("copy", () => this.copy());
    clicked("help", () => this.toggleKeys());
    get("seek").addEventListener("input", (event) => this.seek(Number(event.target.value)));
    get("speed").addEventListener("change", (event) => this.setSpeed(Number(event.target.value)));
    get("idle").addEventListener("change", (event) => this.setIdle(address.cap(event.target.value, null)));
    keys.listen(this);
    addEventListener("resize", () => this.measure());
    for (const [exchange, label] of Object.entries(this.data.chapters)) this.chapter(Number(exchange), label);
  }

  // Add a button that jumps to a chapter.
  chapter(exchange, label) {
    const place = this.events.begin(exchange);
    if (place < 0) return;
    const button = element("button", "sv-link", `#${number(exchange)} ${label}`);
    button.type = "button";
    button.addEventListener("click", () => this.seek(this.timeline.starts[place]));
    get("chapters").appendChild(element("li")).append(button);
    get("card-chapters").hidden = false;
  }

  // Update what depends on timing and speed: the scrubber's length and marks, and the selects.
  setup() {
    get("seek").max = Math.max(1, this.timeline.total);
    choose(get("speed"), String(this.speed), (value) => `${value}×`);
    choose(get("idle"), address.capWords(this.idle), (value) => `up to ${value} s`);
    this.measure();
  }

  measure() {
    this.rail.measure();
    marks.draw(get("marks"), this.timeline, this.events);
  }

  // -- moving ---------------------------------------------------------------------

  seek(moment) {
    this.moment = this.timeline.within(moment);
    this.draw();
    this.follow();
  }

  leap(seconds) {
    this.seek(this.moment + seconds * 1000);
  }

  // Go to the start of the next or the previous of these scenes.
  step(places, direction) {
    const times = places.map((place) => this.timeline.starts[place]);
    const before = this.moment - (this.playing ? GRACE * this.speed : 0);
    const next = direction > 0 ? times.find((time) => time > this.moment) : times.findLast((time) => time < before);
    if (next !== undefined) this.seek(next);
    else if (places !== this.events.exchanges) get("where").textContent = "no more of this kind";
    else this.seek(direction > 0 ? this.timeline.total : 0);
  }

  stepAndPause(places, direction) {
    this.pause();
    this.step(places, direction);
  }

  stepToEvent(direction) {
    this.step(this.events.of(get("kind").value), direction);
  }

  // -- playing --------------------------------------------------------------------

  play() {
    if (this.playing) return;
    if (this.moment >= this.timeline.total) this.moment = 0;
    this.playing = true;
    this.last = performance.now();
    this.face();
    requestAnimationFrame((now) => this.frame(now));
  }

  pause() {
    this.playing = false;
    this.face();
    this.follow();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  face() {
    get("play").setAttribute("aria-label", this.playing ? "Pause" : "Play");
    get("replay").classList.toggle("sv-playing", this.playing);
  }

  frame(now) {
    if (!this.playing) return;
    const passed = Math.min(Math.max(now - this.last, 0), LONGEST_FRAME);
    this.last = now;
    this.moment = this.timeline.within(this.moment + passed * this.speed);
    this.draw();
    if (this.moment >= this.timeline.total) this.pause();
    else requestAnimationFrame((next) => this.frame(next));
  }

  setSpeed(speed) {
    this.speed = speed;
    this.setup();
    this.follow();
  }

  slower() {
    this.setSpeed(this.data.speeds.findLast((speed) => speed < this.speed) ?? this.speed);
  }

  faster() {
    this.setSpeed(this.data.speeds.find((speed) => speed > this.speed) ?? this.speed);
  }

  // Change the cap on pauses and stay at the same part of the same scene.
  setIdle(idle) {
    const now = this.timeline.at(this.moment);
    this.idle = idle;
    this.timeline = new Timeline(this.data.scenes, idle);
    this.moment = this.timeline.same(now);
    this.setup();
    this.draw();
    this.follow();
  }

  // -- showing --------------------------------------------------------------------

  draw() {
    const now = this.timeline.at(this.moment);
    this.stage.show(now);
    const isBegun = now.part !== null || now.done > 0;
    const scene = this.data.scenes[Math.max(now.part === null ? now.done - 1 : now.done, 0)];
    const exchange = isBegun ? scene.number : null;
    if (!isBegun || exchange !== null) this.rail.show(exchange); // an attempt leaves the rail unchanged
    const where = isBegun ? this.where(exchange) : "at the start";
    this.read(where, this.totals[now.done]);
    const seek = get("seek");
    seek.value = this.moment;
    const words = `${where}, ${duration(this.moment)} of ${duration(this.timeline.total)}`;
    if (seek.getAttribute("aria-valuetext") !== words) seek.setAttribute("aria-valuetext", words);
  }

  where(exchange) {
    return exchange === null ? "failed prompt" : `#${number(exchange)} of ${number(this.data.exchanges_in_all)}`;
  }

  read(where, { input, output, cost, saved }) {
    put("where", where);
    put("in", number(input));
    put("out", number(output));
    put("saved", saved === null ? "–" : `about ${number(Math.round(saved))} tokens`);
    put("cost", cost === null ? this.data.unpriced || "–" : dollars(cost));
    put("clock", date(this.timeline.wall(this.moment)));
    put("model", `${duration(this.timeline.modelTime(this.moment))} of ${duration(this.timeline.models.at(-1))}`);
  }

  // -- address and keys -----------------------------------------------------------

  link() {
    const { starts, scenes } = this.timeline;
    const { speed, idle, playing } = this;
    const begun = this.events.exchanges.findLast((place) => starts[place] <= this.moment && scenes[place].number);
    if (begun === undefined) return address.write({ at: null, speed, idle, playing });
    const at = { exchange: scenes[begun].number, seconds: (this.moment - starts[begun]) / 1000 };
    return address.write({ at, speed, idle, playing });
  }

  // Update the page's URL.
  follow() {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => history.replaceState(null, "", this.link()), SETTLED);
  }

  async copy() {
    const link = new URL(this.link(), location.href).href;
    const button = get("copy");
    try {
      await navigator.clipboard.writeText(link);
      button.textContent = "Copied";
    } catch {
      history.replaceState(null, "", link);
      button.textContent = "Link is in the address bar";
    }
    setTimeout(() => (button.textContent = "Copy link"), 2000);
  }

  get showsKeys() {
    return get("keys").open;
  }

  toggleKeys() {
    if (this.showsKeys) {
      get("keys").close();
      return;
    }
    this.pause();
    get("keys").showModal();
  }
}

// Set a text only if it changed, because setting it causes a new layout.
function put(id, text) {
  const found = get(id);
  if (found.textContent !== text) found.textContent = text;
}

// Select a value, and add it as an option if it is missing.
function choose(select, value, words) {
  if (![...select.options].some((option) => option.value === value)) select.append(new Option(words(value), value));
  select.value = value;
}
