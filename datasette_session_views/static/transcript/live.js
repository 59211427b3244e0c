// Say that the session has gone on: “3 new exchanges”. While the page is visible, its JSON version is asked from time to
// time, without the exchanges. The longer nothing happens, the less often.

const SOON = 5_000; // milliseconds
const LATER = 60_000;
const SLOWER = 1.15; // by how much each wait without news is longer

const line = document.querySelector("[data-sv-live]");
const known = { exchanges: Number(line?.dataset.svTotal), title: document.title, attempts: null, said: "", running: false };
let wait = SOON;
let timer = 0;

async function ask() {
  timer = 0;
  if (document.hidden) return;
  try {
    const answer = await fetch(line.dataset.svLive, { headers: { Accept: "application/json" } });
    if ([401, 403, 404].includes(answer.status)) return; // the session is gone, or the visitor may no longer see it
    if (!answer.ok) throw new Error(answer.status);
    wait = show(await answer.json()) ? SOON : Math.min(wait * SLOWER, LATER);
  } catch {
    wait = Math.min(wait * 2, LATER); // the server may be back later
  }
  next();
}

function next() {
  if (!timer && !document.hidden) timer = setTimeout(ask, wait);
}

// Show what is new. Return whether something has changed since the last answer.
function show({ exchanges_in_all: total, attempts }) {
  const running = attempts.some((one) => one.in_progress);
  const failed = attempts.filter((one) => !one.in_progress).length;
  if (known.attempts === null) known.attempts = failed;
  const words = [
    counted(total - known.exchanges, "new exchange"),
    counted(total > known.exchanges ? 0 : failed - known.attempts, "failed prompt"),
  ].filter(Boolean);
  const said = words.join(", ");
  const changed = known.said !== said || known.running !== running;
  if (changed) put(said, running, Math.max(total - known.exchanges, 0));
  return changed || running;
}

function put(said, running, more) {
  Object.assign(known, { said, running });
  const link = line.querySelector("a");
  link.textContent = said;
  link.hidden = !said;
  link.href = more ? line.dataset.svNext : location.pathname + location.search; // a failed prompt is on this page
  line.classList.toggle("sv-running", running);
  line.querySelector("span").textContent = running ? "A prompt is being answered …" : "";
  document.title = said ? `(${more || "!"}) ${known.title}` : known.title;
}

function counted(number, words) {
  if (number <= 0) return "";
  return `${number} ${words}${number === 1 ? "" : "s"}`;
}

if (line) {
  line.hidden = false;
  next();
  document.addEventListener("visibilitychange", () => {
    wait = SOON;
    if (!document.hidden && !timer) ask();
  });
}
