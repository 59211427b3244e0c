// What the address says of a replay: ?at=EXCHANGE:SECONDS&speed=2&idle=3&autoplay=0.

const SLOWEST = 0.1;
const FASTEST = 64;
const BARELY = 0.05; // seconds that are not worth a place in the address

// What is asked for; what makes no sense is as if it were not there.
export function read(asked, usualIdle) {
  const speed = Number(asked.get("speed"));
  const [exchange, seconds] = (asked.get("at") ?? "").split(":");
  return {
    speed: speed >= SLOWEST && speed <= FASTEST ? speed : 1,
    idle: cap(asked.get("idle"), usualIdle),
    exchange: exchange ? Number(exchange) : null,
    seconds: Number(seconds) || 0,
    plays: asked.get("autoplay") !== "0",
  };
}

// The most seconds of a pause; null: as long as it was.
export function cap(words, usual) {
  if (words === "off") return null;
  return words !== null && words !== "" && Number(words) >= 0 ? Number(words) : usual;
}

export function capWords(idle) {
  return idle === null ? "off" : String(idle);
}

// The address of a moment: `at` is an exchange and the seconds since it began, null before the first.
export function write({ at, speed, idle, playing }) {
  const asked = new URLSearchParams(location.search);
  if (at) asked.set("at", at.exchange + (at.seconds >= BARELY ? `:${at.seconds.toFixed(1)}` : ""));
  else asked.delete("at");
  asked.set("speed", speed);
  asked.set("idle", capWords(idle));
  if (playing) asked.delete("autoplay");
  else asked.set("autoplay", "0");
  return `${location.pathname}?${asked.toString().replaceAll("%3A", ":")}`;
}
