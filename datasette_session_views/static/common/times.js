// Times in the reader's own zone and words: “yesterday 17:42”. The server writes them in UTC, which stays in the tooltip.
// They are <time datetime="…" data-sv-time>; with data-sv-time="day", only the day is shown.

const DAY = 86_400_000; // milliseconds

const zone = new Intl.DateTimeFormat("en-US", {
  year: "numeric", month: "short", day: "numeric", weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
});

function parts(date) {
  return Object.fromEntries(zone.formatToParts(date).map(({ type, value }) => [type, value]));
}

// Return the number of a date's day in the reader's zone; days that follow each other differ by 1.
function dayOf(date) {
  return Math.round(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / DAY);
}

function inWords(date, now, onlyDay = false) {
  const { year, month, day, weekday, hour, minute } = parts(date);
  const ago = dayOf(now) - dayOf(date);
  const close = { 0: "today", 1: "yesterday" }[ago] ?? (ago > 1 && ago < 7 ? weekday : null);
  const named = close ?? (date.getFullYear() === now.getFullYear() ? `${day} ${month}` : `${day} ${month} ${year}`);
  return onlyDay ? named : `${named} ${hour}:${minute}`;
}

export function show(root = document, now = new Date()) {
  for (const time of root.querySelectorAll("time[data-sv-time]")) {
    const date = new Date(withZone(time.dateTime));
    if (Number.isNaN(date.getTime())) continue;
    if (!time.title) time.title = `${time.textContent.trim()} UTC`;
    const words = inWords(date, now, time.dataset.svTime === "day");
    if (time.textContent !== words) time.textContent = words;
  }
}

// Stored times without a zone are UTC.
function withZone(text) {
  const moment = text.replace(" ", "T");
  return /T.*(Z|[+-]\d\d:?\d\d)$/i.test(moment) ? moment : `${moment}Z`;
}

show();
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) show(); // it may be the next day
});
