"""Why a request is what it is, in words for people: a line for each part of it, and notices about omissions.

Pure: it explains decisions and makes none.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ..model import Block, ContextItem, Fate, Recalled, Side, Summary
from .fences import in_order
from .policy import Plan, recalls

_OF: dict[Side, str] = {
    "prompt": "from its prompt",
    "tool": "from a tool result",
    "reply": "from its reply",
    "fragment": "from a fragment of its prompt",
}

# -- the lines ---------------------------------------------------------


def tool_items(tools: Sequence[tuple[str, int]]) -> list[ContextItem]:
    """Return the line for the tool definitions, given the name and the tokens of each."""
    if not tools:
        return []
    names = ", ".join(name for name, _ in tools)
    return [ContextItem("tools", f"tool definitions: {names}", sum(tokens for _, tokens in tools))]


def explain(  # noqa: PLR0913  all are parts of the request
    block: Block,
    sizes: Mapping[str, tuple[int, int]],
    total: int,
    start: int | None,
    *,
    pins: Container[int] = (),
    system: tuple[str, int] | None,
    tools: Sequence[tuple[str, int]],
    prompt: tuple[str, int],
    kept: Sequence[ContextItem] = (),
    summarised: tuple[int, int] | None = None,
    recalled: Sequence[ContextItem] = (),
) -> tuple[ContextItem, ...]:
    """Return the explanation of a request, in the order in which it is sent, with pruned exchanges as ranges.

    Args:
        block: the block that the request belongs to
        sizes: (number, tokens) of each exchange that is sent, by id
        total: the number of exchanges in the session
        start: the number of the first recent exchange
        pins: the numbers of all pinned exchanges
        system: the text of the system prompt, and its tokens
        tools: the name and the tokens of each tool definition
        prompt: the text of the new prompt, and its tokens
        kept: the lines for the notes and the summary
        summarised: the first and the last exchange that the summary covers
        recalled: the lines for excerpts
    """
    items: list[ContextItem] = []
    if system:
        items.append(ContextItem("system", "the session's system prompt", system[1], text=system[0]))
    items.extend(kept)
    items.extend(tool_items(tools))
    pinned = [(sizes[id_], id_) for id_ in block.pinned if id_ in sizes]
    items.extend(ContextItem("pinned", "pinned", tokens, number, number) for (number, tokens), _ in pinned)
    recent = sorted((n, t) for n, t in sizes.values() if start is not None and n >= start)
    excerpted = {item.first for item in recalled if item.thread_id is None}
    sent = [*(number for (number, _), _ in pinned), *(number for number, _ in recent), *excerpted]
    items.extend(_pruned(total, sent, summarised))
    for number, tokens in recent:
        cut = block.clip is not None and number == start
        reason = "too long to be sent whole, cut in the middle" if cut else "newest, sent whole"
        if number in pins:
            reason = f"pinned; {reason}"
        items.append(ContextItem("recent", reason, tokens, number, number, clipped=cut))
    items.extend(recalled)
    what = "the new prompt, and the marks around its excerpts" if recalled else "the new prompt"
    items.append(ContextItem("prompt", what, prompt[1], text=prompt[0]))
    return tuple(items)


def _pruned(total: int, sent: Iterable[int], summarised: tuple[int, int] | None) -> list[ContextItem]:
    """Return the ranges of logged exchanges that are not sent, split at the beginning and the end of the summary."""
    items: list[ContextItem] = []
    expected = 1
    for number in [*sorted(sent), total + 1]:
        if number > expected:
            items.extend(_unsent(expected, number - 1, summarised))
        expected = max(expected, number + 1)
    return items


def _unsent(first: int, last: int, summarised: tuple[int, int] | None) -> Iterator[ContextItem]:
    begin, end = summarised or (0, 0)
    for low, high, covered in ((first, begin - 1, False), (begin, end, True), (end + 1, last, False)):
        low, high = max(low, first), min(high, last)  # noqa: PLW2901  only this part of the range
        if low <= high:
            fate: Fate = "summarised" if covered else "pruned"
            yield ContextItem(fate, "in the summary" if covered else "in the log, not sent", 0, low, high)


def notes_item(notes: Sequence[str], tokens: int, *, everywhere: bool = False) -> ContextItem:
    """Return the line for the notes of the session, or for those that are sent `everywhere`."""
    many = f"{len(notes)} notes" if len(notes) > 1 else "a note"
    where = "sent in all sessions" if everywhere else "always sent"
    return ContextItem("notes", f"{many}, {where}", tokens, text="; ".join(notes))


def summary_item(summary: Summary, covered: tuple[int, int], tokens: int) -> ContextItem:
    """Return the line for the summary; `covered` are the first and the last exchange that it covers."""
    reason = f"the summary of #{covered[0]} to #{covered[1]}, by {summary.model or 'you'}"
    return ContextItem("summary", reason, tokens, text=summary.text)


def recalled_items(excerpts: Iterable[Recalled]) -> list[ContextItem]:
    """Return the lines for excerpts, in conversation order."""
    items: list[ContextItem] = []
    for one in in_order(excerpts):
        found = why(one.words) or ", next to a match"
        text = one.text.partition("] ")[2]
        where = f"from session “{one.session}”, {_OF[one.side]}" if one.thread_id else _OF[one.side]
        item = ContextItem("recalled", f"{where}{found}", one.tokens, one.number, one.number, text, score=one.score)
        items.append(replace(item, thread_id=one.thread_id, session=one.session))
    return items


def why(words: Sequence[str]) -> str:
    """Return what found an excerpt, to go on in a sentence: its words, the time if the prompt named it, its meaning."""
    times = [word for word in words if " " in word]
    matched = [word for word in words if " " not in word]
    return "".join([f"; matched {', '.join(matched)}" if matched else "", *(f"; {time}" for time in times)])


# -- notices -----------------------------------------------------------


def notices(  # noqa: PLR0913  the sentences are about all of these
    chosen: Plan, before: Block | None, budget: int, total: int, policy: str, summary: Summary | None
) -> tuple[str, ...]:
    """Return what to tell the person about a new block: exchanges that are no longer sent, or one that was cut.

    `before` is the block that ended, `total` the number of exchanges in the session, `summary` the one that is sent.
    """
    if chosen.oversized and total:
        rest = "Only the system prompt and the pins are" if chosen.pinned else "No earlier exchange is"
        no_room = f"This prompt leaves no room for the conversation in the budget of {budget:,} tokens"
        return (f"{no_room}. {rest} sent with it, about {chosen.tokens:,} tokens in all.",)
    if chosen.oversized:
        return (f"This prompt alone exceeds the budget of {budget:,} tokens: about {chosen.tokens:,} are sent.",)
    found: list[str] = []
    start = chosen.start.number if chosen.start else total + 1
    if start > 1 and not (before and (before.pruned or before.oversized)):
        fate = _fate_of(1, start - 1, policy, summarised=summary is not None)
        found.append(f"The session no longer fits in {budget:,} tokens: {fate}.")
    if chosen.clip is not None:
        found.append(f"Exchange #{start} is too long to be sent whole; its longest texts were cut in the middle.")
    return tuple(found)


def _fate_of(first: int, last: int, policy: str, *, summarised: bool) -> str:
    """Return what happens to exchanges that no longer fit."""
    one = first == last
    which = f"exchange #{first} stays" if one else f"exchanges #{first} to #{last} stay"
    if summarised:
        return f"{which} in the log, and {'is' if one else 'are'} sent as a summary"
    if recalls(policy):
        return f"{which} in the log, and only the parts relevant to a prompt are sent"
    return f"{which} in the log but {'is' if one else 'are'} no longer sent"
