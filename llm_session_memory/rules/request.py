"""From a plan to the exact messages, and to their explanation.

Pure: takes exchanges that were already read and returns values; nothing here decides what is sent.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

from ..model import Block, Exchange, Fate, Item, Message, Part
from .clipping import clip
from .policy import Plan
from .tokens import Measure

NO_REPLY = "[no reply]"
"""Stands where a model answered nothing, so that two prompts in a row stay two turns for models and for the log."""


NO_RESULT = "[not run]"
"""Stands where a tool call was never answered: most models refuse a history with an open call."""


def front(system: str | None, pinned: Sequence[str]) -> str:
    """Return what stands for all that is sent before the newest exchanges: another front is another block."""
    parts = "\x00".join([system or "", *pinned])
    return hashlib.blake2b(parts.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def system_text(system: str | None, notes: Sequence[str] = (), summary: str | None = None) -> str | None:
    """Return the text of the system message: the system prompt, then notes and summary, which are always sent."""
    parts = [system] if system else []
    if notes:
        lines = "\n".join(f"- {_unfenced(' '.join(note.split()))}" for note in notes)
        parts.append(f"<notes>\nNotes on this conversation:\n{lines}\n</notes>")
    if summary:
        parts.append(f"<summary>\nSummary of earlier exchanges that are not shown:\n{_unfenced(summary)}\n</summary>")
    return "\n\n".join(parts) or None


_FENCES = re.compile(r"<(?=\W{0,4}(?:notes|summary)\b)", re.IGNORECASE)


def _unfenced(text: str) -> str:
    """Return a text in which nothing can pass for the end of its fence: a model may have written it."""
    return _FENCES.sub("‹", text)


def system_messages(system: str | None) -> tuple[Message, ...]:
    """Return the system message, or nothing."""
    return (Message.of_text("system", system),) if system else ()


def whole(exchange: Exchange) -> tuple[Message, ...]:
    """Return the messages of an exchange as they are sent again: none empty, no call without a result, a reply last."""
    messages = tuple(message for message in exchange.messages if message.parts)
    unanswered = open_calls(messages)
    if unanswered:
        results = ({"type": "tool_result", "output": NO_RESULT, **call} for call in unanswered)
        messages = (*messages, Message("tool", tuple(Part(result) for result in results)))
    if not messages or messages[-1].role in ("user", "tool"):
        messages = (*messages, Message.of_text("assistant", NO_REPLY))
    return messages


def open_calls(messages: Sequence[Message]) -> list[dict[str, str]]:
    """Return name and id of the calls at the end that have no result: a loop that was ended before they were run."""
    if not messages or messages[-1].role != "assistant":
        return []
    return [
        {name: part.data[name] for name in ("name", "tool_call_id") if part.data.get(name)}
        for part in messages[-1].parts
        if part.type == "tool_call" and not part.data.get("server_executed")
    ]


def messages(
    plan: Plan, system: str | None, exchanges: Mapping[str, Exchange], measure: Measure
) -> tuple[tuple[Message, ...], int] | None:
    """Return all that is sent before the new prompt, and the tokens that the plan's cut came out below its limit.

    `exchanges` holds those that the plan names, by id. Returns None where the newest exchange can't be cut to what is
    left of the budget.
    """
    chosen = [*system_messages(system)]
    spared = 0
    for sized in plan.pinned:
        chosen.extend(whole(exchanges[sized.id]))
    for sized in plan.recent:
        sent: tuple[Message, ...] | None = whole(exchanges[sized.id])
        if plan.clip is not None:
            sent = clip(sent or (), plan.clip, measure)
            if sent is None:
                return None
            spared = plan.clip - measure.tokens(measure.base(sent))
        chosen.extend(sent or ())
    return tuple(chosen), spared


def tool_items(tools: Sequence[tuple[str, int]]) -> list[Item]:
    """Return the line for tool definitions, given each one's name and tokens."""
    if not tools:
        return []
    names = ", ".join(name for name, _ in tools)
    return [Item("tools", f"tool definitions: {names}", sum(tokens for _, tokens in tools))]


def explain(  # noqa: PLR0913  the request's own parts, each needed
    block: Block,
    sizes: Mapping[str, tuple[int, int]],
    total: int,
    start: int | None,
    *,
    pins: Container[int] = (),
    system: tuple[str, int] | None,
    tools: Sequence[tuple[str, int]],
    prompt: tuple[str, int],
    kept: Sequence[Item] = (),
    summarised: tuple[int, int] | None = None,
    recalled: Sequence[Item] = (),
) -> tuple[Item, ...]:
    """Return the explanation of a request, in the order in which it is sent; pruned exchanges as ranges.

    `sizes` gives number and tokens of each exchange that is sent, by id; `total` how many exchanges the session has,
    `start` the number of the first recent one, `pins` the numbers of all that are pinned. `system` and `prompt` are
    texts with their tokens, `kept` the lines for notes and summary, `summarised` the first and last exchange that the
    summary covers, `recalled` the lines for excerpts.
    """
    items: list[Item] = []
    if system:
        items.append(Item("system", "the session's system prompt", system[1], text=system[0]))
    items.extend(kept)
    items.extend(tool_items(tools))
    pinned = [(sizes[id_], id_) for id_ in block.pinned if id_ in sizes]
    items.extend(Item("pinned", "pinned", tokens, number, number) for (number, tokens), _ in pinned)
    recent = sorted((n, t) for n, t in sizes.values() if start is not None and n >= start)
    excerpted = {item.first for item in recalled}
    sent = [*(number for (number, _), _ in pinned), *(number for number, _ in recent), *excerpted]
    items.extend(_pruned(total, sent, summarised))
    for number, tokens in recent:
        cut = block.clip is not None and number == start
        reason = "too long to be sent whole, cut in the middle" if cut else f"recent; the block began at #{start}"
        if number in pins:
            reason = f"pinned; {reason}"
        items.append(Item("recent", reason, tokens, number, number, clipped=cut))
    items.extend(recalled)
    what = "the new prompt, and the fence around excerpts" if recalled else "the new prompt"
    items.append(Item("prompt", what, prompt[1], text=prompt[0]))
    return tuple(items)


def _pruned(total: int, sent: Iterable[int], summarised: tuple[int, int] | None) -> list[Item]:
    """Return the ranges of exchanges that are in the log and not sent, split where the summary begins and ends."""
    items: list[Item] = []
    expected = 1
    for number in [*sorted(sent), total + 1]:
        if number > expected:
            items.extend(_unsent(expected, number - 1, summarised))
        expected = max(expected, number + 1)
    return items


def _unsent(first: int, last: int, summarised: tuple[int, int] | None) -> Iterator[Item]:
    begin, end = summarised or (0, 0)
    for low, high, covered in ((first, begin - 1, False), (begin, end, True), (end + 1, last, False)):
        low, high = max(low, first), min(high, last)  # noqa: PLW2901  the part of the range that is so
        if low <= high:
            fate: Fate = "summarised" if covered else "pruned"
            yield Item(fate, "in the summary" if covered else "in the log, not sent", 0, low, high)


def fragments(chain: Iterable[Message]) -> list[str]:
    """Return the contents of the fragments that messages borrow from, each once."""
    found: dict[str, None] = {}
    for message in chain:
        for part in message.parts:
            found.update(dict.fromkeys(_of(part)))
    return list(found)


def _of(part: Part) -> tuple[str, ...]:
    text = str(part.data.get("text") or "")
    return tuple(fragment for fragment in part.fragments if fragment and fragment in text)
