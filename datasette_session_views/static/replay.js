// The replay of a session. What there is at a moment depends on the moment alone, so that seeking equals playing;
// the sums are those of replay.py. All text is put in as text.
const SHOWN = 30; // exchanges kept on the page; earlier ones are in the transcript
const SPEEDS = [0.5, 1, 2, 4, 8, 16];
const LEAP = 1000; // milliseconds that one frame may take: a tab that was hidden goes on where it was

export class Timeline {
  constructor(scenes, idle) {
    this.scenes = scenes;
    this.starts = [];
    this.ends = [];
    this.models = [0];
    this.pauses = [];
    let at = 0;
    for (const scene of scenes) {
      const pause = idle === null ? scene.pause : Math.min(scene.pause, Math.round(idle * 1000));
      this.pauses.push(pause);
      this.starts.push((at += pause));
      this.ends.push((at += scene.run));
      this.models.push(this.models.at(-1) + scene.run);
    }
    this.total = at;
  }

  // The scenes that are over, and the part of the next one that is; null: it has not begun.
  at(moment) {
    let low = 0;
    let high = this.ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ends[middle] <= moment) low = middle + 1;
      else high = middle;
    }
    if (low === this.ends.length || moment < this.starts[low]) return { done: low, part: null };
    return { done: low, part: (moment - this.starts[low]) / this.scenes[low].run };
  }

  modelTime(moment) {
    const { done, part } = this.at(moment);
    return this.models[done] + (part === null ? 0 : part * this.scenes[done].run);
  }

  // The time on the wall: within a pause that was capped, it runs faster.
  wall(moment) {
    const { done, part } = this.at(moment);
    const scene = this.scenes[Math.min(done, this.scenes.length - 1)];
    const began = Date.parse(scene.utc);
    if (done === this.scenes.length) return began + scene.run;
    if (part !== null) return began + part * scene.run;
    const left = this.starts[done] - moment;
    return began - (this.pauses[done] ? (left / this.pauses[done]) * scene.pause : 0);
  }
}

const NAMES = {
  system: "System prompt", reasoning: "Reasoning", tool_call: "Tool call", tool_result: "Result of", fragment: "Fragment", recalled: "Recalled",
  file: "Attachment", other: "Other", you: "", reply: "", failed: "",
};

function element(tag, name, text) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}

function number(value) {
  return value.toLocaleString("en-US");
}

function clock(milliseconds) {
  const seconds = Math.floor(milliseconds / 1000);
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (value) => String(value).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

function date(milliseconds) {
  if (Number.isNaN(milliseconds)) return "–";
  const [, day, month, year, time] = new Date(milliseconds).toUTCString().match(/(\d+) (\w+) (\d+) ([\d:]+)/);
  return `${Number(day)} ${month} ${year} ${time}`;
}

// What was said, on the page: the exchanges before a moment, the one that is running as far as it had come.
class Stage {
  constructor(root, data, whole) {
    Object.assign(this, { root, data, whole });
    this.place = -1; // the scene that is on the page last, begun or over
    this.began = [];
    let number = -1;
    data.scenes.forEach((scene, index) => this.began.push((number = scene.first || index === 0 ? index : number)));
  }

  show({ done, part }) {
    const last = part === null ? done - 1 : done;
    if (last !== this.place) this.move(last);
    if (last < 0) return;
    this.reveal(last, part === null ? 1 : this.whole ? 0 : part);
  }

  move(last) {
    if (last === this.place + 1 && this.place >= 0) {
      this.reveal(this.place, 1);
      this.append(last);
      while (this.root.querySelectorAll("article").length > SHOWN) this.root.querySelector("article").remove();
    } else {
      this.root.replaceChildren();
      let first = last < 0 ? 0 : this.began[last];
      for (let shown = 1; shown < SHOWN && first > 0; shown++) first = this.began[first - 1];
      for (let index = first; index <= last; index++) {
        this.append(index);
        this.reveal(index, 1);
      }
    }
    this.place = last;
    const before = this.root.querySelector("article")?.dataset.before ?? "0";
    this.root.querySelector(".sv-earlier")?.remove();
    if (Number(before) > 0) {
      const note = element("p", "sv-sub sv-earlier");
      const link = element("a", "", "in the transcript");
      link.href = this.data.transcript_url + "?from=1";
      note.append(`What was said earlier is `, link, ".");
      this.root.prepend(note);
    }
  }

  append(index) {
    const scene = this.data.scenes[index];
    let article = scene.first ? null : this.root.querySelector(`article[data-number="${scene.number}"]`);
    if (!article) {
      article = element("article", "sv-ex");
      article.dataset.before = index;
      if (scene.number) article.dataset.number = scene.number;
      const meta = element("div", "sv-meta");
      if (scene.marks.includes("cut")) article.append(element("div", "sv-cut", "Here the window was cut."));
      const chapter = this.data.chapters[scene.number];
      if (chapter) article.append(element("h3", "sv-chapter", chapter));
      meta.append(element("span", "sv-no", scene.number ? `#${number(scene.number)}` : "attempt"));
      if (scene.marks.includes("pin")) meta.append(element("span", "sv-pin", "◆ pinned"));
      meta.append(element("span", "", date(Date.parse(scene.utc))), element("span", "", scene.model));
      if (scene.rated) meta.append(element("span", "sv-rated", scene.rated));
      article.append(meta);
      this.root.append(article);
    }
    for (const piece of scene.before) article.append(this.piece(piece, piece[2]).block);
    this.article = article;
    this.after = [];
    this.running = index;
    this.length = scene.after.reduce((sum, piece) => sum + piece[2].length, 0);
  }

  piece([kind, name, text], shown) {
    const node = document.createTextNode(shown);
    if (kind === "you" || kind === "failed" || kind === "reply") {
      const block = element("div", `sv-${kind} sv-plain`);
      block.append(node);
      return { block, node };
    }
    const block = element("details", "sv-fold");
    const summary = element("summary");
    summary.append(element("b", "", NAMES[kind] ?? "Other"), ` ${name}`);
    if (kind === "tool_call" || kind === "tool_result") summary.append(` ${text.slice(0, 100)}`);
    const within = element("div", "sv-in sv-plain");
    within.append(node);
    block.append(summary, within);
    return { block, node };
  }

  // Let so much of what a scene brought be on the page: piece by piece, and the last one letter by letter.
  reveal(index, part) {
    if (this.running !== index) return;
    const pieces = this.data.scenes[index].after;
    let left = part >= 1 ? Infinity : Math.floor(this.length * part);
    for (let place = 0; place < pieces.length; place++) {
      const text = pieces[place][2];
      const over = part >= 1 || left >= text.length;
      const visible = over ? text.length : left;
      const wanted = part >= 1 || left > 0;
      if (wanted && !this.after[place]) {
        this.after[place] = this.piece(pieces[place], "");
        this.article.append(this.after[place].block);
      }
      if (!wanted) {
        this.after.splice(place).forEach((one) => one.block.remove());
        return;
      }
      const node = this.after[place].node;
      if (node.length < visible) node.appendData(text.slice(node.length, visible));
      else if (node.length > visible) node.deleteData(visible, node.length - visible);
      left -= visible;
    }
  }
}

// Which earlier exchanges are in the window, and how full it is.
class Rail {
  constructor(data) {
    this.data = data;
    this.cells = [];
    this.fates = [];
    this.number = null;
    const box = document.getElementById("sv-cells");
    for (let one = data.first; one <= data.last; one++) this.cells.push(box.appendChild(element("i")));
    const known = Object.keys(data.windows).length > 0;
    document.getElementById("sv-card-window").hidden = !known && data.last < data.first;
    this.cells.forEach((cell) => (cell.className = "sv-c-none"));
    this.fates = this.cells.map(() => "none");
  }

  show(number_) {
    if (number_ === this.number) return;
    this.number = number_;
    const { data } = this;
    const found = data.windows[number_];
    const link = document.getElementById("sv-context");
    link.textContent = number_ ? `The window at #${number(number_)}` : "The window";
    link.href = number_ ? data.context_url + number_ : data.transcript_url;
    const words = document.getElementById("sv-window-words");
    const fill = document.querySelector("#sv-fill i");
    document.getElementById("sv-fill").hidden = !found;
    if (found) {
      const [tokens, budget, window] = found;
      fill.style.width = `${Math.min(100, (100 * tokens) / budget)}%`;
      words.textContent = `${number(tokens)} of ${number(budget)} tokens` + (window ? `, window ${number(window)}` : "");
    } else words.textContent = number_ ? "No choice was recorded for this one." : "";
    const [, , , start, pinned, recalled, summarised] = found ?? [0, 0, 0, Infinity, [], [], null];
    const special = new Map([...recalled.map((one) => [one, "recalled"]), ...pinned.map((one) => [one, "pinned"])]);
    this.cells.forEach((cell, place) => {
      const one = data.first + place;
      let fate = "none";
      if (number_ && one === number_) fate = "now";
      else if (number_ && one < number_) {
        const folded = summarised && summarised[0] <= one && one <= summarised[1];
        fate = special.get(one) ?? (one >= start ? "recent" : folded ? "summarised" : "pruned");
      }
      if (this.fates[place] !== fate) {
        this.fates[place] = fate;
        cell.className = `sv-c-${fate}`;
      }
    });
  }
}

class Player {
  constructor(data, asked, still) {
    this.data = data;
    this.stage = new Stage(document.getElementById("sv-said"), data, still);
    this.rail = new Rail(data);
    this.playing = false;
    this.moment = 0;
    const speed = Number(asked.get("speed"));
    this.speed = speed >= 0.1 && speed <= 64 ? speed : 1;
    const idle = asked.get("idle");
    this.idle = idle === "off" ? null : idle !== null && idle !== "" && Number(idle) >= 0 ? Number(idle) : data.idle;
    this.timeline = new Timeline(data.scenes, this.idle);
    this.sum();
    this.wire();
    const [at, seconds] = (asked.get("at") ?? "").split(":");
    const place = data.scenes.findIndex((scene) => scene.number === Number(at));
    if (at && place >= 0) this.moment = this.timeline.starts[place] + (Number(seconds) * 1000 || 0);
    this.moment = Math.min(Math.max(this.moment, 0), this.timeline.total);
    this.setup();
    this.draw();
    if (asked.get("autoplay") !== "0" && !still) this.play();
  }

  sum() {
    this.totals = [[0, 0, null]];
    for (const scene of this.data.scenes) {
      const [input, output, cost] = this.totals.at(-1);
      this.totals.push([
        input + (scene.input ?? 0), output + (scene.output ?? 0), scene.cost === null ? cost : (cost ?? 0) + scene.cost,
      ]);
    }
    this.exchanges = this.data.scenes.flatMap((scene, index) => (scene.first ? [index] : []));
  }

  get(id) {
    return document.getElementById(`sv-${id}`);
  }

  wire() {
    this.get("play").addEventListener("click", () => this.toggle());
    this.get("before").addEventListener("click", () => this.step(this.exchanges, -1));
    this.get("after").addEventListener("click", () => this.step(this.exchanges, 1));
    this.get("jump").addEventListener("click", () => this.step(this.events(), 1));
    this.get("copy").addEventListener("click", () => this.copy());
    this.get("help").addEventListener("click", () => this.help());
    this.get("seek").addEventListener("input", (event) => this.seek(Number(event.target.value)));
    this.get("speed").addEventListener("change", (event) => this.faster(Number(event.target.value)));
    this.get("idle").addEventListener("change", (event) => {
      this.cap(event.target.value === "off" ? null : Number(event.target.value));
    });
    document.addEventListener("keydown", (event) => this.key(event));
    addEventListener("resize", () => this.marks());
    const list = this.get("chapters");
    for (const [one, label] of Object.entries(this.data.chapters)) {
      const place = this.data.scenes.findIndex((scene) => scene.number === Number(one));
      if (place < 0) continue;
      const button = element("button", "sv-link", `#${number(Number(one))} ${label}`);
      button.type = "button";
      button.addEventListener("click", () => this.seek(this.timeline.starts[place]));
      list.appendChild(element("li")).append(button);
      this.get("card-chapters").hidden = false;
    }
  }

  // What depends on the timing: the scrubber's length and its marks.
  setup() {
    this.get("seek").max = Math.max(1, this.timeline.total);
    for (const [id, value] of [["speed", String(this.speed)], ["idle", this.idle === null ? "off" : String(this.idle)]]) {
      const select = this.get(id);
      if (![...select.options].some((option) => option.value === value)) {
        select.append(new Option(id === "speed" ? `${value}×` : `up to ${value} s`, value));
      }
      select.value = value;
    }
    this.marks();
  }

  marks() {
    const canvas = this.get("marks");
    const ratio = devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const x = (index) => 9 + ((width - 18) * this.timeline.starts[index]) / Math.max(1, this.timeline.total);
    const colours = { tool: "#7a4fb0", pin: "#0f7b53", cut: "#c2700a", failed: "#b3261e" };
    const draw = (index, colour, size, wide) => {
      pen.fillStyle = colour;
      pen.fillRect(x(index) - wide / 2, (height - size) / 2, wide, size);
    };
    for (const index of this.exchanges) draw(index, "#8fa2b3", 10, 1);
    this.data.scenes.forEach((scene, index) => {
      for (const mark of scene.marks) draw(index, colours[mark] ?? "#8fa2b3", mark === "tool" ? 14 : 20, 2);
      if (scene.first && this.data.chapters[scene.number]) draw(index, "#111a35", 24, 2);
    });
  }

  events() {
    const kind = this.get("kind").value;
    const chapter = (scene) => scene.first && this.data.chapters[scene.number] !== undefined;
    return this.data.scenes.flatMap((scene, index) => {
      const wanted = kind === "chapter" ? chapter(scene)
        : kind === "any" ? scene.marks.length > 0 || chapter(scene) : scene.marks.includes(kind);
      return wanted ? [index] : [];
    });
  }

  // To the start of the next of some scenes, or of the one before.
  step(places, direction) {
    const { starts, total } = this.timeline;
    const times = places.map((place) => starts[place]);
    const next = direction > 0
      ? times.find((time) => time > this.moment)
      : times.findLast((time) => time < this.moment - (this.playing ? 500 * this.speed : 0));
    if (next !== undefined) this.seek(next);
    else if (places !== this.exchanges) this.get("where").textContent = "no more of these";
    else this.seek(direction > 0 ? total : 0);
  }

  seek(moment) {
    this.moment = Math.min(Math.max(moment, 0), this.timeline.total);
    this.draw();
    this.address();
  }

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
    this.address();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  face() {
    this.get("play").setAttribute("aria-label", this.playing ? "Pause" : "Play");
    document.getElementById("sv-replay").classList.toggle("sv-playing", this.playing);
  }

  frame(now) {
    if (!this.playing) return;
    const passed = Math.min(Math.max(now - this.last, 0), LEAP);
    this.last = now;
    this.moment = Math.min(this.moment + passed * this.speed, this.timeline.total);
    this.draw();
    if (this.moment >= this.timeline.total) this.pause();
    else requestAnimationFrame((next) => this.frame(next));
  }

  faster(speed) {
    this.speed = speed;
    this.setup();
    this.address();
  }

  // Another cap on pauses: the same scene goes on from the same part of it.
  cap(idle) {
    const { done, part } = this.timeline.at(this.moment);
    this.idle = idle;
    this.timeline = new Timeline(this.data.scenes, idle);
    const before = done === 0 ? 0 : this.timeline.ends[done - 1];
    this.moment = part === null ? before : this.timeline.starts[done] + part * this.data.scenes[done].run;
    this.setup();
    this.draw();
    this.address();
  }

  draw() {
    const now = this.timeline.at(this.moment);
    this.stage.show(now);
    const scene = this.data.scenes[Math.max(now.part === null ? now.done - 1 : now.done, 0)];
    const begun = now.part !== null || now.done > 0;
    const at = begun ? scene.number : null;
    if (!begun || at !== null) this.rail.show(at);
    const words = begun ? (at === null ? "attempt" : `#${number(at)} of ${number(this.data.exchanges_in_all)}`) : "before the first";
    const [input, output, cost] = this.totals[now.done];
    this.put("where", words);
    this.put("in", number(input));
    this.put("out", number(output));
    this.put("cost", cost === null ? "–" : cost < 0.01 ? `$${cost.toFixed(4)}` : `$${cost.toFixed(2)}`);
    this.put("clock", date(this.timeline.wall(this.moment)));
    const { models } = this.timeline;
    this.put("model", `${clock(this.timeline.modelTime(this.moment))} of ${clock(models.at(-1))}`);
    const seek = this.get("seek");
    seek.value = this.moment;
    const value = `${words}, ${clock(this.moment)} of ${clock(this.timeline.total)}`;
    if (seek.getAttribute("aria-valuetext") !== value) seek.setAttribute("aria-valuetext", value);
  }

  put(id, text) {
    const found = this.get(id);
    if (found.textContent !== text) found.textContent = text;
  }

  // The address of this moment: an exchange, and the seconds since it began.
  link() {
    const asked = new URLSearchParams(location.search);
    const begun = this.exchanges.findLast((place) => this.timeline.starts[place] <= this.moment && this.data.scenes[place].number);
    if (begun === undefined) asked.delete("at");
    else {
      const seconds = (this.moment - this.timeline.starts[begun]) / 1000;
      asked.set("at", this.data.scenes[begun].number + (seconds >= 0.05 ? `:${seconds.toFixed(1)}` : ""));
    }
    asked.set("speed", this.speed);
    asked.set("idle", this.idle === null ? "off" : this.idle);
    if (this.playing) asked.delete("autoplay");
    else asked.set("autoplay", "0");
    return `${location.pathname}?${asked.toString().replaceAll("%3A", ":")}`;
  }

  address() {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => history.replaceState(null, "", this.link()), 200);
  }

  async copy() {
    const address = new URL(this.link(), location.href).href;
    const button = this.get("copy");
    try {
      await navigator.clipboard.writeText(address);
      button.textContent = "Copied";
    } catch {
      history.replaceState(null, "", address);
      button.textContent = "It is in the address bar";
    }
    setTimeout(() => (button.textContent = "Copy link"), 2000);
  }

  help() {
    const dialog = this.get("keys");
    if (dialog.open) dialog.close();
    else {
      this.pause();
      dialog.showModal();
    }
  }

  key(event) {
    const target = event.target instanceof Element ? event.target : document.body;
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
    if (target.closest("input:not([type=range]), select, textarea, [contenteditable]")) return;
    if (this.get("keys").open && event.key !== "?") return;
    const pressed = event.key === " " || event.key === "Enter";
    if (pressed && target.closest("button, a, summary")) return;
    const leap = (seconds) => () => this.seek(this.moment + seconds * 1000);
    const still = (places, direction) => () => {
      this.pause();
      this.step(places, direction);
    };
    const every = this.data.scenes.map((_, index) => index);
    const keys = {
      " ": () => this.toggle(),
      k: () => this.toggle(),
      ArrowLeft: event.shiftKey ? () => this.step(this.exchanges, -1) : leap(-5),
      ArrowRight: event.shiftKey ? () => this.step(this.exchanges, 1) : leap(5),
      ",": still(every, -1),
      ".": still(every, 1),
      "[": () => this.step(this.events(), -1),
      "]": () => this.step(this.events(), 1),
      "<": () => this.faster(SPEEDS.findLast((speed) => speed < this.speed) ?? this.speed),
      ">": () => this.faster(SPEEDS.find((speed) => speed > this.speed) ?? this.speed),
      "?": () => this.help(),
    };
    const digit = /^[0-9]$/.test(event.key) ? () => this.seek((this.timeline.total * Number(event.key)) / 10) : null;
    const act = Object.hasOwn(keys, event.key) ? keys[event.key] : digit;
    if (!act) return;
    event.preventDefault();
    act();
  }
}

const given = document.getElementById("sv-data");
if (given) {
  document.getElementById("sv-replay").hidden = false;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  new Player(JSON.parse(given.textContent), new URLSearchParams(location.search), still);
}
