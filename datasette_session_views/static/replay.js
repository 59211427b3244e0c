// The replay of a session. What there is at a moment depends on the moment alone, so that seeking equals playing;
// the sums are those of replay.py. All text is put in as text.
const SHOWN = 30; // exchanges kept on the page; earlier ones are in the transcript
const AT_ONCE = 5; // those that are put there in one go, when one leaps
const LOOK = 12; // scenes ahead whose messages are asked for
const CALM = 120; // milliseconds between two looks at all exchanges' fates
const CELL = 18; // pixels from one exchange's cell to the next
const FAR = 50; // scenes after the first that may be of the same exchange
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

const PARTS = ["system", "summary", "pinned", "recent", "recalled", "prompt"]; // of a window, as in filling.py

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

// Let the browser do what it has to do: draw, answer a key.
function pause() {
  return globalThis.scheduler?.yield?.() ?? new Promise((go) => setTimeout(go));
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

// What was said, scene by scene: read from the page's data when it is shown, and dressed as the server renders it.
class Texts {
  constructor(data) {
    this.data = data;
    this.pieces = document.getElementsByClassName("sv-texts");
    this.read = [];
    this.dressed = new Map(); // scene's id: its HTML; from a stretch of exchanges that was asked for
    this.asked = new Set();
    let near = data.first; // an attempt belongs to the exchange before it
    this.stretches = data.scenes.map((scene) => Math.floor(((near = scene.number ?? near) - data.first) / data.rendered));
  }

  // [before, after], each a list of [kind, name, text].
  of(index) {
    const piece = Math.floor(index / this.data.together);
    this.read[piece] ??= JSON.parse(this.pieces[piece].textContent);
    return this.read[piece][index % this.data.together];
  }

  // The same as HTML, null for what is plain text; undefined as long as it has not come.
  html(index) {
    return this.dressed.get(this.data.scenes[index].id);
  }

  async want(index, arrived) {
    const stretch = this.stretches[index];
    if (stretch === undefined || this.asked.has(stretch)) return;
    this.asked.add(stretch);
    try {
      const answer = await fetch(`${this.data.rendered_url}${this.data.first + stretch * this.data.rendered}`);
      if (!answer.ok) return; // it stays the plain text that it is
      const { rendered } = await answer.json();
      for (const [id, html] of Object.entries(rendered)) this.dressed.set(id, html);
      arrived();
    } catch {
      this.asked.delete(stretch);
    }
  }
}

function cut(text, length) {
  const code = text.charCodeAt(length - 1);
  return text.slice(0, code >= 0xd800 && code < 0xdc00 && length < text.length ? length - 1 : length);
}

// The text of an element that is shown up to a letter; what begins after it is not there yet.
class Growing {
  constructor(root) {
    this.entries = [];
    this.total = 0;
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const text = node.nodeType === Node.TEXT_NODE ? node.data : null;
      if (text !== null && !text.trim() && !node.parentElement.closest("pre, .sv-plain")) continue;
      this.entries.push({ node, text, at: this.total });
      this.total += text?.length ?? 0;
    }
    this.begun = this.entries.length;
    this.tail = null;
  }

  to(part) {
    const letters = Math.floor(this.total * part);
    const begun = ({ at }) => at < letters || part >= 1;
    if (this.tail) {
      this.tail.node.data = this.tail.text;
      this.tail.node.parentElement.classList.remove("sv-caret");
    }
    for (; this.begun < this.entries.length && begun(this.entries[this.begun]); this.begun++) this.put(this.begun, true);
    for (; this.begun > 0 && !begun(this.entries[this.begun - 1]); this.begun--) this.put(this.begun - 1, false);
    let last = this.begun - 1;
    while (last >= 0 && this.entries[last].text === null) last--;
    this.tail = last < 0 || part >= 1 ? null : this.entries[last];
    if (!this.tail) return;
    this.tail.node.data = cut(this.tail.text, letters - this.tail.at);
    this.tail.node.parentElement.classList.add("sv-caret");
  }

  put(place, shown) {
    const { node, text } = this.entries[place];
    if (text === null) node.hidden = !shown;
    else node.data = shown ? text : "";
  }
}

// One piece of what was said: as plain text, until it is dressed.
class Piece {
  constructor([kind, name, text]) {
    const spoken = kind === "you" || kind === "failed" || kind === "reply";
    this.part = 1;
    this.within = element("div", spoken ? `sv-${kind}` : "sv-in");
    this.within.append(element("div", "sv-plain", text));
    this.block = this.within;
    if (spoken) return;
    this.block = element("details", "sv-fold");
    const summary = element("summary");
    summary.append(element("b", "", NAMES[kind] ?? "Other"), ` ${name}`);
    if (kind === "tool_call" || kind === "tool_result") summary.append(` ${text.slice(0, 100)}`);
    this.block.append(summary, this.within);
  }

  dress(html) {
    if (!html || this.dressed) return;
    this.dressed = true;
    this.growing = null;
    this.within.innerHTML = html; // as safe as in the transcript: of the same making, under the same policy
    this.reveal(this.part);
  }

  reveal(part) {
    this.part = part;
    if (part < 1) this.growing ??= new Growing(this.within);
    this.growing?.to(part);
  }
}

// An exchange on the page, or an attempt: its scenes up to one of them.
class Card {
  constructor(scene, chapter) {
    this.scenes = new Map(); // place of a scene: its pieces, [before, after]
    this.article = element("article", "sv-ex");
    if (scene.number) this.article.dataset.number = scene.number;
    if (scene.marks.includes("cut")) this.article.append(element("div", "sv-cut", "Here the window was cut."));
    if (chapter) this.article.append(element("h3", "sv-chapter", chapter));
    const meta = element("div", "sv-meta");
    meta.append(element("span", "sv-no", scene.number ? `#${number(scene.number)}` : "attempt"));
    if (scene.marks.includes("pin")) meta.append(element("span", "sv-pin", "◆ pinned"));
    this.tokens = element("span");
    meta.append(element("span", "", date(Date.parse(scene.utc))), element("span", "", scene.model), this.tokens);
    if (scene.rated) meta.append(element("span", "sv-rated", scene.rated));
    this.article.append(meta);
  }

  add(index, [before, after], html) {
    const pieces = [before, after].map((side) => side.map((piece) => new Piece(piece)));
    this.scenes.set(index, pieces);
    for (const piece of pieces.flat()) this.article.append(piece.block);
    this.dress(index, html);
  }

  dress(index, html) {
    if (html) this.scenes.get(index).forEach((side, one) => side.forEach((piece, place) => piece.dress(html[one][place])));
  }

  // Let so much of what a scene brought be on the page: piece by piece, and the last one letter by letter.
  reveal(index, part, scene, texts) {
    const lengths = texts[1].map(([, , text]) => text.length);
    let left = Math.floor(lengths.reduce((sum, length) => sum + length, 0) * part);
    this.scenes.get(index)[1].forEach((piece, place) => {
      const visible = part >= 1 ? lengths[place] : Math.min(left, lengths[place]);
      const there = part >= 1 || left > 0;
      if (there && !piece.block.parentNode) this.article.append(piece.block);
      if (!there) piece.block.remove();
      piece.reveal(part >= 1 ? 1 : lengths[place] ? visible / lengths[place] : 1);
      left -= visible;
    });
    this.tokens.textContent = part < 1
      ? scene.output && scene.run ? `streaming at ${number(Math.round((1000 * scene.output) / scene.run))} tokens a second` : ""
      : scene.output === null ? "" : `${number(scene.input ?? 0)} → ${number(scene.output)} tokens`;
  }
}

// What was said, on the page: the exchanges before a moment, the one that is running as far as it had come.
class Stage {
  constructor(root, data, whole) {
    Object.assign(this, { root, data, whole });
    this.texts = new Texts(data);
    this.place = -1; // the scene that is on the page last, begun or over
    this.cards = []; // [exchange or attempt, its card], oldest first
    this.begins = []; // the first scene of each
    this.whose = data.scenes.map((scene, index) => {
      if (index === 0 || scene.first) this.begins.push(index);
      else if (scene.number !== data.scenes[this.begins.at(-1)].number) return this.begins.findLastIndex((begin) => data.scenes[begin].number === scene.number);
      return this.begins.length - 1;
    });
  }

  show({ done, part }) {
    const last = part === null ? done - 1 : done;
    if (last !== this.place) this.move(last);
    if (last >= 0) this.reveal(last, part === null ? 1 : this.whole ? 0 : part);
  }

  reveal(index, part) {
    const card = this.cards.findLast(([whose]) => whose === this.whose[index])?.[1];
    card?.reveal(index, part, this.data.scenes[index], this.texts.of(index));
  }

  move(last) {
    clearTimeout(this.filling);
    if (last === this.place + 1 && this.place >= 0) {
      this.reveal(this.place, 1);
      this.add(last);
      while (this.cards.length > SHOWN) this.cards.shift()[1].article.remove();
      this.note();
      this.want(last, last + 2 * LOOK);
    } else {
      this.cards = [];
      this.root.replaceChildren();
      const now = last < 0 ? -1 : this.whose[last];
      for (let one = Math.max(now - AT_ONCE + 1, 0); one <= now; one++) this.cards.push([one, this.card(one, last)]);
      this.root.append(...this.cards.map(([, card]) => card.article));
      const first = this.place === -1;
      if (first) this.want(last, last + LOOK);
      this.filling = setTimeout(() => this.fill(last), first ? 0 : 120);
    }
    this.place = last;
  }

  // What is above the part of the page that is seen, when the place has been found.
  fill(last) {
    const begun = this.cards.length ? this.cards[0][0] : 0;
    const wanted = Math.max(begun + this.cards.length - SHOWN, 0, begun - AT_ONCE);
    for (let one = begun - 1; one >= wanted; one--) {
      const card = this.card(one, last);
      this.cards.unshift([one, card]);
      this.root.prepend(card.article);
    }
    if (begun > wanted && this.cards.length < SHOWN && wanted > 0) this.filling = setTimeout(() => this.fill(last), 0);
    this.note();
    this.want(last, last + LOOK, this.begins[wanted]);
  }

  // Have the scenes dressed that are looked at, first those that are seen.
  want(...places) {
    for (const place of places) this.texts.want(Math.min(Math.max(place, 0), this.whose.length - 1), () => this.dress());
  }

  dress() {
    for (const [, card] of this.cards) for (const index of card.scenes.keys()) card.dress(index, this.texts.html(index));
  }

  note() {
    this.root.querySelector(".sv-earlier")?.remove();
    if (!this.cards.length || this.cards[0][0] === 0) return;
    const note = element("p", "sv-sub sv-earlier");
    const link = element("a", "", "in the transcript");
    link.href = this.data.transcript_url + "?from=1";
    note.append("What was said earlier is ", link, ".");
    this.root.prepend(note);
  }

  card(whose, last) {
    const begin = this.begins[whose];
    const scene = this.data.scenes[begin];
    const card = new Card(scene, this.data.chapters[scene.number]);
    for (let index = begin; index <= last && index < this.whose.length; index++) {
      if (this.whose[index] === whose) this.within(card, index);
      else if (index - begin > FAR) break;
    }
    return card;
  }

  within(card, index) {
    card.add(index, this.texts.of(index), this.texts.html(index));
    card.reveal(index, 1, this.data.scenes[index], this.texts.of(index));
  }

  add(index) {
    const whose = this.whose[index];
    const found = this.cards.findLast(([one]) => one === whose);
    if (found) return this.within(found[1], index);
    const card = this.card(whose, index);
    this.cards.push([whose, card]);
    this.root.append(card.article);
  }
}

// Which earlier exchanges are in the window, and what it is filled with.
class Rail {
  constructor(data) {
    this.data = data;
    this.number = null;
    this.painted = -Infinity;
    this.cuts = new Set(data.scenes.flatMap((scene) => (scene.first && scene.marks.includes("cut") ? [scene.number] : [])));
    const box = document.getElementById("sv-cells");
    this.box = box;
    box.innerHTML = "<i></i>".repeat(Math.max(data.last - data.first + 1, 0));
    this.cells = [...box.children];
    this.fates = this.cells.map(() => "none");
    this.parts = PARTS.map((part) => document.getElementById("sv-fill").appendChild(element("i", `sv-b-${part}`)));
    this.mark = document.getElementById("sv-fill").appendChild(element("b"));
  }

  show(number_) {
    if (number_ === this.number) return;
    this.number = number_;
    const { data } = this;
    const found = data.windows[number_];
    const link = document.getElementById("sv-context");
    link.textContent = number_ ? `The window at #${number(number_)}` : "The window";
    link.href = number_ ? data.context_url + number_ : data.transcript_url;
    this.words(found, number_);
    if (found) this.fill(found);
    clearTimeout(this.later);
    const wait = this.painted + CALM - performance.now();
    if (wait <= 0) this.paint(number_, found);
    else this.later = setTimeout(() => this.paint(number_, found), wait);
  }

  // Each cell's fate: all of them are laid out and painted anew, so not in every frame while one drags.
  paint(number_, found) {
    const { data } = this;
    this.painted = performance.now();
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
    this.follow(number_);
  }

  // Have the cell of this exchange in sight; its place is reckoned, since measuring it would lay out the page.
  follow(number_) {
    const row = Math.floor(((number_ ?? this.data.first) - this.data.first) / this.columns);
    const top = Math.max(row * CELL - 5 * CELL, 0);
    if (top !== this.top) this.box.scrollTop = this.top = top;
  }

  measure() {
    this.columns = Math.max(Math.floor((this.box.clientWidth - 8 + 3) / CELL), 1);
    this.top = -1;
  }

  words(found, number_) {
    const words = document.getElementById("sv-window-words");
    document.getElementById("sv-fill").hidden = !found;
    if (!found) words.textContent = number_ ? "No choice was recorded for this one." : "";
    else {
      const [tokens, budget, window] = found;
      words.textContent = `${number(tokens)} of ${number(budget)} tokens` + (window ? `, window ${number(window)}` : "");
      if (this.cuts.has(number_ + 1)) words.append(" — ", element("b", "", "cut at the next prompt"));
    }
  }

  fill([tokens, budget, window, , , , , parts]) {
    const full = Math.max(tokens, budget, window ?? 0, 1);
    const known = parts.length ? parts : PARTS.map((part) => (part === "recent" ? tokens : 0));
    this.parts.forEach((part, place) => {
      part.style.width = `${(100 * known[place]) / full}%`;
      part.title = `${PARTS[place]}: about ${number(known[place])} tokens`;
    });
    const words = PARTS.flatMap((part, place) => (known[place] ? [`${part} ${number(known[place])}`] : []));
    this.parts[0].parentElement.setAttribute("aria-label", `In the window, in tokens: ${words.join(", ")}`);
    this.mark.style.left = `${(100 * budget) / full}%`;
  }
}

class Player {
  // In pieces: no task of them is long, however long the session is.
  static async open(given, asked, still) {
    const player = new Player(JSON.parse(given.textContent), asked);
    await pause();
    player.sum();
    player.wire();
    await pause();
    document.getElementById("sv-replay").hidden = false;
    player.rail = new Rail(player.data);
    await pause();
    player.setup();
    await pause();
    player.stage = new Stage(document.getElementById("sv-said"), player.data, still);
    player.draw();
    if (asked.get("autoplay") !== "0" && !still) player.play();
  }

  constructor(data, asked) {
    this.data = data;
    this.playing = false;
    const speed = Number(asked.get("speed"));
    this.speed = speed >= 0.1 && speed <= 64 ? speed : 1;
    const idle = asked.get("idle");
    this.idle = idle === "off" ? null : idle !== null && idle !== "" && Number(idle) >= 0 ? Number(idle) : data.idle;
    this.timeline = new Timeline(data.scenes, this.idle);
    const [at, seconds] = (asked.get("at") ?? "").split(":");
    const place = data.scenes.findIndex((scene) => scene.number === Number(at));
    const moment = at && place >= 0 ? this.timeline.starts[place] + (Number(seconds) * 1000 || 0) : 0;
    this.moment = Math.min(Math.max(moment, 0), this.timeline.total);
  }

  sum() {
    const plus = (sum, value) => (value === null ? sum : (sum ?? 0) + value);
    this.totals = [[0, 0, null, null]];
    for (const scene of this.data.scenes) {
      const [input, output, cost, saved] = this.totals.at(-1);
      this.totals.push([
        input + (scene.input ?? 0), output + (scene.output ?? 0), plus(cost, scene.cost), plus(saved, scene.saved),
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
    this.rail.measure();
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
    const [input, output, cost, saved] = this.totals[now.done];
    this.put("where", words);
    this.put("in", number(input));
    this.put("out", number(output));
    this.put("saved", saved === null ? "–" : `about ${number(Math.round(saved))} tokens`);
    this.put("cost", cost === null ? this.data.unpriced || "–" : cost < 0.01 ? `$${cost.toFixed(4)}` : `$${cost.toFixed(2)}`);
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
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  Player.open(given, new URLSearchParams(location.search), still);
}
