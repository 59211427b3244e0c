// The player: its position, whether it plays and how fast. It updates the stage, the rail and the clocks.

import * as address from "./address.js";
import { Timeline, proposed } from "./clock.js";
import { Controls } from "./controls.js";
import { Events, totals } from "./events.js";
import * as keys from "./keys.js";
import * as marks from "./marks.js";
import { Poster } from "./poster.js";
import { Rail } from "./rail.js";
import { Stage } from "./stage.js";
import { date, dollars, duration, get, number, utcTime } from "./words.js";

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
    player.controls = new Controls(player);
    player.poster = new Poster(data, () => player.begin());
    keys.listen(player);
    addEventListener("resize", () => player.measure());
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
    Object.assign(this, { data, idle });
    this.playing = false;
    this.events = new Events(data);
    this.timeline = new Timeline(data.scenes, idle);
    const usual = proposed(this.timeline.total, data.speeds);
    this.speed = speed ?? usual;
    this.speeds = [...new Set([...data.speeds, usual])].sort((one, other) => one - other);
    const begin = exchange === null ? -1 : this.events.begin(exchange);
    this.begun = begin >= 0; // a link to a moment shows that moment, not the poster
    this.moment = begin < 0 ? 0 : this.timeline.within(this.timeline.starts[begin] + seconds * 1000);
  }

  // Update what depends on timing and speed.
  setup() {
    this.controls.setup(this);
    this.poster.say(this.timeline.total, this.speed);
    this.measure();
  }

  measure() {
    this.rail.measure();
    marks.draw(get("marks"), this.timeline, this.events);
  }

  // -- moving ---------------------------------------------------------------------

  seek(moment) {
    this.moment = this.timeline.within(moment);
    this.begun = true;
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

  // Go to a page about the exchange of this moment.
  open(what) {
    const { context_url, transcript_url } = this.data;
    const exchange = this.latest(this.timeline.at(this.moment));
    if (exchange === null) return;
    location.assign(what === "context" ? `${context_url}${exchange}` : `${transcript_url}/exchange/${exchange}`);
  }

  // -- playing --------------------------------------------------------------------

  // Play from the poster. Its button goes, so the one below gets the focus.
  begin() {
    this.play();
    get("play").focus();
  }

  play() {
    if (this.playing) return;
    if (this.moment >= this.timeline.total) this.moment = 0;
    this.playing = true;
    this.begun = true;
    this.last = performance.now();
    this.controls.face();
    requestAnimationFrame((now) => this.frame(now));
  }

  pause() {
    this.playing = false;
    this.controls.face();
    this.follow();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
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
    this.draw();
    this.follow();
  }

  slower() {
    this.setSpeed(this.speeds.findLast((speed) => speed < this.speed) ?? this.speed);
  }

  faster() {
    this.setSpeed(this.speeds.find((speed) => speed > this.speed) ?? this.speed);
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
    this.poster.show(!this.begun);
    this.stage.show(now);
    const isBegun = now.part !== null || now.done > 0;
    const exchange = isBegun ? this.data.scenes[this.index(now)].number : null;
    this.rail.show(isBegun ? this.latest(now) : null);
    const where = isBegun ? this.where(exchange) : "at the start";
    this.read(where, this.totals[now.done]);
    const seek = get("seek");
    seek.value = this.moment;
    const words = `${where}, ${duration(this.moment)} of ${duration(this.timeline.total)}`;
    if (seek.getAttribute("aria-valuetext") !== words) seek.setAttribute("aria-valuetext", words);
  }

  // The index of a state's scene: the one that is under way, or else the last one that is over.
  index({ done, part }) {
    return Math.max(part === null ? done - 1 : done, 0);
  }

  // The latest exchange of a state, or null before the first. An attempt is not an exchange.
  latest(state) {
    let index = this.index(state);
    while (index >= 0 && this.data.scenes[index].number === null) index--;
    return index < 0 ? null : this.data.scenes[index].number;
  }

  where(exchange) {
    return exchange === null ? "failed prompt" : `#${number(exchange)} of ${number(this.data.exchanges_in_all)}`;
  }

  read(where, { input, output, cost, saved }) {
    const { total } = this.timeline;
    const wall = this.timeline.wall(this.moment);
    put("time", duration(this.moment));
    put("length", duration(total));
    put("left", this.speed === 1 ? "" : `${duration((total - this.moment) / this.speed)} left at ${this.speed}×`);
    put("where", where);
    put("in", number(input));
    put("out", number(output));
    put("saved", saved === null ? "–" : `about ${number(Math.round(saved))} tokens`);
    put("cost", cost === null ? this.data.unpriced || "–" : dollars(cost));
    put("clock", date(wall));
    get("clock").title = Number.isNaN(wall) ? "" : `${utcTime(wall)} UTC`;
    put("model", `${duration(this.timeline.modelTime(this.moment))} of ${duration(this.timeline.models.at(-1))}`);
  }

  // -- address --------------------------------------------------------------------

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
}

// Set a text only if it changed, because setting it causes a new layout.
function put(id, text) {
  const found = get(id);
  if (found.textContent !== text) found.textContent = text;
}
