// Format numbers and times, and make elements. Text is always set as text, never as HTML.

// Return one of our own elements. All their ids have the same prefix.
export function get(id) {
  return document.getElementById(`sv-${id}`);
}

export function element(tag, name, text) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}

export function number(value) {
  return value.toLocaleString("en-US");
}

export function dollars(value) {
  return value < 0.01 ? `$${value.toFixed(4)}` : `$${value.toFixed(2)}`;
}

export function duration(milliseconds) {
  const seconds = Math.floor(milliseconds / 1000);
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (value) => String(value).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

// A time in UTC to the second, as in 2026-11-20 09:52:07.
export function utcTime(milliseconds) {
  return Number.isNaN(milliseconds) ? "–" : new Date(milliseconds).toISOString().slice(0, 19).replace("T", " ");
}

// A time in the reader's zone to the second, as in 20 Nov 2026 09:52:07.
export function date(milliseconds) {
  if (Number.isNaN(milliseconds)) return "–";
  const [, month, day, year, time] = new Date(milliseconds).toString().match(/^\w+ (\w+) (\d+) (\d+) ([\d:]+)/);
  return `${Number(day)} ${month} ${year} ${time}`;
}

// A time element like those of the other pages: in UTC, and rewritten for the reader's zone by the script of all pages.
export function moment(utc) {
  const milliseconds = Date.parse(utc);
  if (Number.isNaN(milliseconds)) return element("span");
  const made = element("time", "", utcTime(milliseconds).slice(0, 16));
  made.dateTime = `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
  made.title = `${utcTime(milliseconds)} UTC`;
  made.dataset.svTime = "";
  return made;
}

// The beginning of a text, without cutting a surrogate pair in half.
export function beginning(text, length) {
  const code = text.charCodeAt(length - 1);
  const halved = code >= 0xd800 && code < 0xdc00 && length < text.length;
  return text.slice(0, halved ? length - 1 : length);
}
