// What models wrote on this page, for those who copy it. It is in the page's JSON version, which is asked for once.

// Characters that hide, move the cursor or turn the direction of a text, so that what is pasted is not what was seen.
const HIDDEN = /[\0-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb]|[\u{e0000}-\u{e0fff}]/gu;

let asked = null; // the answers of the page by the id of their exchange

function visible(text) {
  return text.replace(HIDDEN, (one) => `⟦U+${one.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟧`);
}

async function all() {
  const twin = document.querySelector('link[rel="alternate"][type="application/json+datasette"]');
  const { pathname, search } = new URL(twin.href);
  const answer = await fetch(pathname + search, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(answer.status);
  const { exchanges, undone } = await answer.json();
  return new Map([...exchanges, ...undone].map((one) => [one.id, written(one)]));
}

// Return what the model wrote in an exchange, without reasoning and tool calls.
function written({ calls }) {
  const messages = calls.flatMap((call) => call.messages).filter((one) => one.role === "assistant");
  const texts = messages.flatMap((one) => one.parts).filter((part) => part.type === "text" && part.text.trim());
  return texts.map((part) => visible(part.text)).join("\n\n");
}

export async function answerOf(card) {
  asked ??= all();
  try {
    return (await asked).get(card.id.slice(2)) ?? "";
  } catch (error) {
    asked = null; // so that the next click asks again
    throw error;
  }
}
