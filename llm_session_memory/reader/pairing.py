"""Find which answers of several conversations belong together. Pure: entries in, rows out.

Prompts are the same if their words are, whatever the spaces between them, and if they came with the same fragments and
attachments. A prompt that occurs several times in a conversation, such as “Go on”, is matched in order: its second
occurrence with the second one elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from .compared import Answer, Matching, PromptRow


@dataclass(frozen=True)
class SideAnswer:
    """An answer with the side that it is of, counted from 0, and the key of its prompt: equal for equal prompts."""

    side: int
    key: Hashable
    answer: Answer


def made_up_for(entries: Iterable[SideAnswer]) -> list[SideAnswer]:
    """Return the entries of one conversation without failures that the next entry made up for.

    A failed attempt with the same prompt directly before an entry is a try of it.
    """
    found: list[SideAnswer] = []
    for entry in entries:
        before = found[-1] if found else None
        if before is not None and before.answer.failed and before.key == entry.key:
            found.pop()
            tries = before.answer.tries + entry.answer.tries
            found.append(replace(entry, answer=replace(entry.answer, tries=tries)))
        else:
            found.append(entry)
    return found


def rows(conversations: Sequence[Sequence[SideAnswer]], sides: int, matching: Matching) -> tuple[PromptRow, ...]:
    """Return the entries of conversations, each in order, as rows of `sides` cells, in the order of the prompts.

    A row has the answers that belong together. Answers of several conversations, or repeated ones, share a cell.
    """
    cells: dict[Hashable, list[SideAnswer]] = {}
    for entries in conversations:
        for key, entry in _placed(entries, matching):
            cells.setdefault(key, []).append(entry)
    clusters = _clusters(cells)
    return tuple(
        PromptRow(
            number,
            found[0].answer.prompt,
            clusters[key],
            tuple(tuple(entry.answer for entry in found if entry.side == side) for side in range(sides)),
            differs=len({entry.key for entry in found}) > 1,
        )
        for number, (key, found) in enumerate(cells.items(), 1)
    )


def _placed(entries: Iterable[SideAnswer], matching: Matching) -> Iterator[tuple[Hashable, SideAnswer]]:
    """Yield the entries of one conversation, each with the key of its row."""
    seen: Counter[Hashable] = Counter()
    for place, entry in enumerate(entries):
        if matching == "number":
            yield place, entry
        else:
            seen[entry.side, entry.key] += 1
            yield (entry.key, seen[entry.side, entry.key]), entry


def _clusters(cells: Mapping[Hashable, Sequence[SideAnswer]]) -> dict[Hashable, int]:
    """Return the cluster of each row: the same for rows that are linked by a conversation, counted from 0."""
    root: dict[str, str] = {}

    def find(thread_id: str) -> str:
        while root.setdefault(thread_id, thread_id) != thread_id:
            root[thread_id] = root[root[thread_id]]
            thread_id = root[thread_id]
        return thread_id

    for found in cells.values():
        first = find(found[0].answer.thread_id)
        for entry in found[1:]:
            root[find(entry.answer.thread_id)] = first
    numbers: dict[str, int] = {}
    return {key: numbers.setdefault(find(found[0].answer.thread_id), len(numbers)) for key, found in cells.items()}
