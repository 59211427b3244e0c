// The state of a replay in its URL: ?at=EXCHANGE:SECONDS&speed=2&idle=3. With autoplay=1 it plays at once.

const SLOWEST = 0.1;
const FASTEST = 4096;
const BARELY = 0.05; // seconds too short to write into the URL

// The requested state. Invalid values are ignored. The speed is null if none was requested.
export function read(asked, usualIdle) {
  const speed = Number(asked.get("speed"));
  const [exchange, seconds] = (asked.get("at") ?? "").split(":");
  return {
    speed: speed >= SLOWEST && speed <= FASTEST ? speed : null,
    idle: cap(asked.get("idle"), usualIdle),
    exchange: exchange ? Number(exchange) : null,
    seconds: Number(seconds) || 0,
    plays: asked.get("autoplay") === "1",
  };
}

// The longest pause in seconds, or null for pauses as recorded.
export function cap(words, usual) {
  if (words === "off") return null;
  return words !== null && words !== "" && Number(words) >= 0 ? Number(words) : usual;
}

export function capWords(idle) {
  return idle === null ? "off" : String(idle);
}

// The URL of a moment. `at` is an exchange and the seconds since it began, or null before the first one.
export function write({ at, speed, idle, playing }) {
  const asked = new URLSearchParams(location.search);
  if (at) asked.set("at", at.exchange + (at.seconds >= BARELY ? `:${at.seconds.toFixed(1)}` : ""));
  else asked.delete("at");
  asked.set("speed", speed);
  asked.set("idle", capWords(idle));
  if (!playing) asked.delete("autoplay");
  return `${location.pathname}?${asked.toString().replaceAll("%3A", ":")}`;
}
