// The sidebar: what fills the context window, and the fate of every earlier exchange.

import { element, get, number } from "./words.js";

const PARTS = ["system", "summary", "pinned", "recent", "recalled", "prompt"]; // the parts of a context window, in the order of the data
const CALM = 120; // least milliseconds between two repaints of all cells
const CELL = 18; // pixels from one exchange's cell to the next
const GAP = 3; // pixels of that between two cells
const PADDING = 8; // pixels of the box, left and right together
const ABOVE = 5; // rows of cells to keep visible above the current one

export class Rail {
  constructor(data) {
    this.data = data;
    this.number = null;
    this.painted = -Infinity;
    const cut = data.scenes.filter((scene) => scene.first && scene.marks.includes("cut"));
    this.cuts = new Set(cut.map((scene) => scene.number));
    this.box = get("cells");
    this.box.innerHTML = "<i></i>".repeat(Math.max(data.last - data.first + 1, 0));
    this.cells = [...this.box.children];
    this.fates = this.cells.map(() => "none");
    this.parts = PARTS.map((part) => get("fill").appendChild(element("i", `sv-b-${part}`)));
    this.mark = get("fill").appendChild(element("b"));
  }

  // Show the context window at an exchange, or null before the first.
  show(exchange) {
    if (exchange === this.number) return;
    this.number = exchange;
    const found = this.data.windows[exchange];
    this.link(exchange);
    this.words(found, exchange);
    if (found && found[1] !== null) this.fill(found);
    clearTimeout(this.later);
    const wait = this.painted + CALM - performance.now();
    if (wait <= 0) this.paint(exchange, found);
    else this.later = setTimeout(() => this.paint(exchange, found), wait);
  }

  link(exchange) {
    const link = get("context");
    link.textContent = exchange ? `Context window at #${number(exchange)}` : "Context window";
    link.href = exchange ? this.data.context_url + exchange : this.data.transcript_url;
  }

  words(found, exchange) {
    const words = get("window-words");
    get("fill").hidden = !found || found[1] === null; // without a budget there is nothing to fill
    if (!found) {
      words.textContent = exchange ? this.unknown(exchange) : "";
      return;
    }
    const [tokens, budget, window] = found;
    if (budget === null) {
      words.textContent = `${tokens === null ? "" : `${number(tokens)} tokens. `}No session chose what was sent.`;
      return;
    }
    words.textContent = `${number(tokens)} of ${number(budget)} tokens${window ? `, window ${number(window)}` : ""}`;
    if (this.cuts.has(exchange + 1)) words.append(" — ", element("b", "", "from the next prompt on, older exchanges are no longer sent"));
  }

  unknown(exchange) {
    const run = this.data.not_logged.find(([first, last]) => first <= exchange && exchange <= last);
    return `${run ? `This exchange was ${run[2]}. ` : ""}The log does not say what was sent.`;
  }

  fill([tokens, budget, window, , , , , parts]) {
    const full = Math.max(tokens, budget, window ?? 0, 1);
    const known = parts.length ? parts : PARTS.map((part) => (part === "recent" ? tokens : 0));
    this.parts.forEach((part, place) => {
      part.style.width = `${(100 * known[place]) / full}%`;
      part.title = `${PARTS[place]}: about ${number(known[place])} tokens`;
    });
    const words = PARTS.flatMap((part, place) => (known[place] ? [`${part} ${number(known[place])}`] : []));
    get("fill").setAttribute("aria-label", `Tokens in the context window: ${words.join(", ")}`);
    this.mark.style.left = `${(100 * budget) / full}%`;
  }

  // Update the cells. This causes a new layout of all of them, so it does not run on every frame of a drag.
  paint(exchange, found) {
    this.painted = performance.now();
    const fate = fates(exchange, found);
    this.cells.forEach((cell, place) => {
      const now = fate(this.data.first + place);
      if (this.fates[place] === now) return;
      this.fates[place] = now;
      cell.className = `sv-c-${now}`;
    });
    this.follow(exchange);
  }

  // Scroll to the cell of this exchange. Its position is computed, because measuring it would force a layout.
  follow(exchange) {
    const row = Math.floor(((exchange ?? this.data.first) - this.data.first) / this.columns);
    const top = Math.max((row - ABOVE) * CELL, 0);
    if (top === this.top) return;
    this.top = top;
    this.box.scrollTop = top;
  }

  measure() {
    this.columns = Math.max(Math.floor((this.box.clientWidth - PADDING + GAP) / CELL), 1);
    this.top = -1;
  }
}

// Return a function that gives the fate of any exchange in the request of this one: "none" if it is not known.
function fates(exchange, found) {
  if (!found) return (one) => (one === exchange ? "now" : "none");
  const [, , , start, pinned, recalled, summarised, , left = []] = found;
  const special = new Map([...recalled.map((one) => [one, "recalled"]), ...pinned.map((one) => [one, "pinned"])]);
  const isFolded = (one) => summarised && summarised[0] <= one && one <= summarised[1];
  return (one) => {
    if (one > exchange) return "none";
    if (one === exchange) return "now";
    if (special.has(one)) return special.get(one);
    if (one >= start && !left.includes(one)) return "recent";
    return isFolded(one) ? "summarised" : "pruned";
  };
}
