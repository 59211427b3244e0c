"""The explanation of a request: a line for each part of it, with its fate, its reason and its tokens.

Pure: says of what was decided why it was; decides nothing.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

from ..model import Block, Fate, Item


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
