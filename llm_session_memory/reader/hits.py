"""What a search shows of its matches: the texts around the words, without Markdown's signs, by session."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from .. import model
from ..rules.openings import without_signs
from ..rules.passages import reach
from ..rules.search_terms import Marker, TypedQuery, snippet
from ..store.beside import FRAGMENT
from ..store.finder import FoundTurn
from ..store.index import Index
from ..store.numbering import Numbering
from .entries import MARK, UNMARK, Hit, Line, SessionHits
from .figures import Figures
from .numbering import figures
from .openings import openings
from .seen import SeenLog
from .source import Source, ids

_PROMPT, _SNIPPET = 160, 240
"""The most characters shown of a prompt that did not match, and of a text that did."""


@dataclass(frozen=True)
class Shown:
    """What is shown of the matches of one query."""

    source: Source
    query: TypedQuery

    @cached_property
    def marker(self) -> Marker:
        """What marks the words and signs of the query."""
        return Marker(self.query.words, self.query.signs)

    def texts(self, turn_ids: Sequence[str], beside: Collection[str] = ()) -> dict[str, tuple[str, ...]]:
        """Return the texts of turns, one for each of SIDES: what went with their prompts only for those in `beside`."""
        return Index(SeenLog(self.source)).turn_texts(turn_ids, fragments_of=beside)

    def hits(self, found: Sequence[FoundTurn | Hit]) -> list[Hit]:
        """Return what to show of matches."""
        turns = [one for one in found if isinstance(one, FoundTurn)]
        beside = {one.turn_id for one in turns if one.passage and one.passage["side"] == FRAGMENT}
        texts = self.texts([one.turn_id for one in turns], beside)
        nothing = ("",) * len(model.SIDES)
        return [
            self._plain(one) if isinstance(one, Hit) else self._hit(one, texts.get(one.turn_id, nothing))
            for one in found
        ]

    def _plain(self, hit: Hit) -> Hit:
        """Return a hit of llm's index without Markdown's signs. Its words are marked already."""
        prompt, reply = (
            plain if (plain := without_signs(text)).count(MARK) == text.count(MARK) else text
            for text in (hit.prompt, hit.reply)
        )
        return replace(hit, prompt=prompt, reply=reply)

    def _hit(self, found: FoundTurn, texts: tuple[str, ...]) -> Hit:
        """Return a hit: the prompt, or its beginning, and the reply, tool result or fragment that matched."""
        prompt, *others = texts
        if found.passage:
            text = texts[found.passage["side"]]
            passage = text[found.passage["start"] : reach(text, found.passage["end"])]
            side = int(found.passage["side"])
            others = ["" if place != side else passage for place in range(1, len(model.SIDES))]
            prompt = prompt[:_PROMPT] if side else passage
        side, best = max(enumerate(others, 1), key=lambda one: self.marker.held(one[1]), default=(0, ""))
        return Hit(
            turn_id=found.turn_id,
            number=None,
            model=found.model,
            datetime_utc=found.datetime_utc,
            prompt=self._marked(prompt),
            reply=self._marked(best) if self.marker.held(best) else "",
            side=model.SIDES[side],
        )

    def _marked(self, text: str) -> str:
        text = text.replace(MARK, "").replace(UNMARK, "")
        plain = without_signs(text)
        if self.marker.held(plain) == self.marker.held(text):  # else the words are in an address or among the signs
            text = plain
        shown, marks = snippet(text, self.marker, _SNIPPET)
        for start, end in reversed(marks):
            shown = f"{shown[:start]}{MARK}{shown[start:end]}{UNMARK}{shown[end:]}"
        return shown


def grouped(
    source: Source, hits: Iterable[tuple[str, Hit]], numbers: Mapping[str, Numbering]
) -> tuple[SessionHits, ...]:
    """Return hits by session, in the order of each session's first hit."""
    by_thread: dict[str, list[Hit]] = {}
    for thread_id, hit in hits:
        by_thread.setdefault(thread_id, []).append(hit)
    named = {row["thread_id"]: row for row in source.rows("titles", ids=ids(by_thread))}
    first = openings(source, by_thread)
    groups: list[SessionHits] = []
    for thread_id, found in by_thread.items():
        counted = figures(source, thread_id, numbers[thread_id])
        groups.append(SessionHits(_line(named[thread_id], counted, first.get(thread_id, "")), tuple(found)))
    return tuple(groups)


def _line(row: Mapping[str, Any], figures: Figures, opening: str) -> Line:
    return Line(
        row["thread_id"],
        row["name"],
        row["first_words"] or "",
        row["model"] or "",
        figures,
        title=row["title"] or "",
        archived_utc=row["archived_utc"],
        opening=opening,
    )
