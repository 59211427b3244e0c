"""Recall for one prompt: look its words up, rank the passages found, and read the excerpts.

Sits between the store and the pure rules in rules/ranking.py. Both are imported when a prompt recalls, since many
prompts are sent with all of their session and recall nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..errors import LogUnusable, SessionError
from ..model import SIDES, Context, Recalled
from ..rules import fences
from ..rules.thinking import keeps, said_within
from .desk import Clock, now_utc
from .seen_session import SeenSession

if TYPE_CHECKING:
    from ..rules.ranking import Excerpt, Passage
    from ..rules.time_reading import NamedTime
    from ..store.index import Index, Scope
    from .beyond import Beyond
    from .nearness import Near

_INDEXING_SECONDS = 3.0
"""A prompt brings the index up to date for about this long; later prompts or a search do the rest."""


class Recall:
    """Finds the parts of a session's past that matter for one prompt.

    `near` finds passages by meaning if there is an embedding model; `trouble` says why that failed. `writing` allows
    updating the full-text index first. `now` is the clock, for prompts that name a time.
    """

    def __init__(
        self, seen: SeenSession, near: Near | None = None, *, writing: bool = False, now: Clock = now_utc
    ) -> None:
        self.seen = seen
        self.thread_id = seen.thread_id
        self.prompt = seen.request.text
        self.turns = seen.turns
        self.measure = seen.measure
        undone = (id_ for ids in seen.turns.undone for id_ in ids)
        self.left_out = (*seen.later, *undone)
        self.near = near
        self.writing = writing
        self.fragments = seen.request.recall_fragments
        self.now = now
        self.nearest: Mapping[int, float] = {}
        self.hits: Mapping[str, Sequence[int]] = {}
        self.size = 1
        self.numbers: dict[int, int | None] = {}
        """What was found: the passages that hold each word of the prompt, of how many, and their exchanges' numbers."""
        self.only_when = False
        """Whether the prompt asks for what was said at a time, whatever it was: what is like the prompt, or stands
        beside that time, is not asked for."""
        self.trouble: SessionError | None = None

    @cached_property
    def index(self) -> Index:
        """The full-text index."""
        from ..store.index import Index

        return Index(self.seen.store.log)

    @cached_property
    def scopes(self) -> Sequence[Scope]:
        """Where the session's passages are in the index."""
        return self.index.scopes(self.thread_id, self.turns)

    @cached_property
    def words(self) -> list[str]:
        """The words of the prompt to look up."""
        from ..rules.passages import query_words

        return query_words(self.prompt)

    @cached_property
    def times(self) -> list[NamedTime]:
        """The times that the prompt names."""
        from ..rules.times import named

        return named(self.prompt, self.now().astimezone().replace(tzinfo=None))

    @property
    def finds(self) -> bool:
        """Whether the prompt has anything to look up."""
        if self.words:
            return True
        from ..rules.times import asks_only_when

        return bool(self.times) and asks_only_when(self.prompt, self.times)

    @property
    def fence(self) -> int:
        """The tokens of the text around a prompt's excerpts."""
        opening = fences.OPENING_BEYOND if self.seen.request.recalls_beyond else fences.OPENING
        return self.measure.tokens(sum(self.measure.text(text) + 1 for text in (opening, fences.CLOSING)))

    @cached_property
    def ranked(self) -> list[Excerpt]:
        """All excerpts worth sending, best first."""
        if not self.finds:
            return []
        out = self.index.ids_of(self.left_out) if self.left_out else frozenset()
        size = max(1, sum(scope.passages for scope in self.scopes) - len(out))
        said, words = self._said(out), self.words
        if said:
            from ..rules.times import words_beside

            words = words_beside(self.prompt, [one for one in self.times if f"said {one.said}" in said])
        hits = self._hits(words, out)
        if not any(hits.values()) and not said:
            from ..rules.passages import characters

            hits = self._hits(characters(self.prompt), out)
        self.only_when = bool(said) and not words
        if self.near is not None and self.scopes and not self.only_when:
            try:
                self.nearest = self.near(self.scopes, self.prompt)
            except SessionError as error:  # recall by words works without it
                self.trouble = error
        near = self.nearest if self.fragments else self.index.without_fragments(self.nearest)
        self.nearest = {id_: self.nearest[id_] for id_ in near if id_ not in out}
        from ..rules import ranking

        self.hits, self.size = hits, size
        matches = ranking.match(hits, size, times=said, asking=bool(said) and self._asking())
        own = ranking.rank(self._near(matches), matches, self.nearest)
        if self.beyond is None:
            return own
        others = self.beyond.ranked(self.words, None if self.trouble else self.near)
        self.trouble = self.trouble or self.beyond.trouble
        return ranking.favouring(own, others)

    @cached_property
    def beyond(self) -> Beyond | None:
        """The other sessions to recall from, or None."""
        if not self.seen.request.recalls_beyond:
            return None
        from .beyond import Beyond

        return Beyond(self.seen, self.index.ids_of(self.left_out) if self.left_out else ())

    def _said(self, out: Collection[int]) -> dict[str, list[int]]:
        """Return the passages of each time that the prompt names: said then, or with the name of that time."""
        found: dict[str, list[int]] = {}
        if not self.times:
            return found
        from ..rules import ranking
        from ..store.moments import said

        for one in self.times:
            spans = [(start.astimezone(timezone.utc), end.astimezone(timezone.utc)) for start, end in one.spans]
            ids = {*said(self.index, self.turns, spans, ranking.COMMON)}.difference(out)
            if ids and one.absolute:
                ids.update(set.intersection(*map(set, self._hits(one.absolute, out).values())))
            if ids:
                found[f"said {one.said}"] = sorted(ids)
        return found

    def _asking(self) -> bool:
        from ..rules.times import asks

        return asks(self.prompt, self.times)

    def _hits(self, words: Sequence[str], out: Collection[int]) -> dict[str, list[int]]:
        """Return the passages that hold each word, ignoring very common words unless there are no others."""
        from ..rules import ranking

        most = ranking.COMMON + 1
        found = self.index.lookup(self.scopes, words, most + len(out), fragments=self.fragments)
        hits = {word: [id_ for id_ in ids if id_ not in out][:most] for word, ids in found.items()}
        return {word: ids for word, ids in hits.items() if len(ids) <= ranking.COMMON} or hits

    def _near(self, matches: Collection[int]) -> list[Passage]:
        """Return the passages of the exchanges that matched and, unless only a time was asked for, their neighbours."""
        from ..rules.ranking import Passage

        found_in = self.index.turns_of([*matches, *self.nearest])
        self.numbers = {id_: self.turns.number_of(turn_id) for id_, turn_id in found_in.items()}
        hit = set(filter(None, self.numbers.values()))
        turn_ids = self.turns.around(hit, 0 if self.only_when else 1)
        dated = any(self.index.dates(turn_ids[:1]).values())  # what was imported without times has labels without dates
        label = self.measure.text(fences.label(len(self.turns), "reply", fences.LONGEST_DATE if dated else "")) + 1
        numbers = {turn_id: self.turns.number_of(turn_id) or 0 for turn_id in turn_ids}
        stored, tokens = self.measure.stored, self.measure.tokens
        return [
            Passage(id_, numbers[turn_id], SIDES[side], part, tokens(stored(weight, length) + label), whole)
            for id_, turn_id, side, part, length, weight, whole in self.index.measures(
                turn_ids, [*matches, *self.nearest]
            )
        ]

    def chosen(self, room: int, *, whole: Collection[int]) -> tuple[Recalled, ...]:
        """Return the excerpts that fit in `room` tokens together with their fence, best first.

        `whole` has the numbers of exchanges that are already in the request.
        """
        if not self._looks_up() or room <= self.fence:
            return ()
        from ..rules import ranking

        return self._read(ranking.choose(self.ranked, room - self.fence, whole=whole))

    def deserved(self, room: int, *, whole: Collection[int], most: int | None = None) -> tuple[Recalled, ...]:
        """Return the excerpts that the prompt deserves of a block's `room`, best first; with their fence, up to `most`.

        `whole` has the numbers of exchanges that are already in the request.
        """
        if not self._looks_up():
            return ()
        from ..rules import ranking, recall_budget, recall_worth

        ranked = [one for one in self.ranked if one.passage.number not in whole]
        if not ranked:
            return ()
        strongest = max(one.strength for one in ranked)
        asks = 1.0 if self.times and self._asking() else recall_worth.asking(self.prompt)
        worth = recall_worth.worth(asks, self._unknown(whole), strongest)
        allowed = recall_budget.allowance(room, worth, self.seen.request.recall_share) - self.fence
        fits = allowed if most is None else most - self.fence
        return self._read(recall_worth.worthwhile(ranked, allowed, fits, ranking.MOST_EXCERPTS))

    def _unknown(self, whole: Collection[int]) -> float:
        """Return the share of the prompt's words that are not in the exchanges `whole`."""
        from ..rules import ranking, recall_worth

        inside = {id_ for id_, number in self.numbers.items() if number in whole}
        known = [word for word, ids in self.hits.items() if not inside.isdisjoint(ids)]
        return recall_worth.unknown(ranking.weigh(self.hits, self.size), known)

    def _looks_up(self) -> bool:
        """Return whether the prompt has anything to look up; bring the index up to date if so."""
        if not self.finds:
            return False
        if self.writing:
            with suppress(LogUnusable):  # a read-only or locked log: search what is indexed
                if self.turns or self.left_out:
                    known = None if self.seen.later else self.turns
                    self.index.catch_up(self.thread_id, known, _INDEXING_SECONDS)
                if self.beyond and not self.beyond.is_current:
                    self.beyond.catch_up()
        return True

    def _read(self, best: Sequence[Excerpt]) -> tuple[Recalled, ...]:
        """Return excerpts with their texts."""
        rows = self.index.rows(one.passage.id for one in best)
        texts = self._texts([rows[one.passage.id] for one in best if one.passage.id in rows])
        dates = self.index.dates(self._turns(best))
        found: list[Recalled] = []
        had: set[str] = set()
        for one in best:
            text = texts.get(one.passage.id)
            if one.passage.side == "fragment" and text:
                if text in had or text in self.prompt:  # it went with another prompt too, or goes with this one
                    continue
                had.add(text)
            if text:
                when = dates.get(rows[one.passage.id]["turn_id"], "")
                found.append(self._recalled(one, when, text))
        return tuple(found)

    def _recalled(self, one: Excerpt, when: str, said: str) -> Recalled:
        """Return a passage as it is sent."""
        passage = one.passage
        place = self.beyond.place(passage.number) if self.beyond and passage.number < 0 else None
        number, session = (place.number, place.session) if place else (passage.number, "")
        text = fences.excerpt(number, passage.side, when, said, session)
        tokens = self.measure.tokens(self.measure.text(text) + 1)
        thread_id = place.thread_id if place else None
        return Recalled(passage.id, number, passage.side, text, tokens, one.score, one.words, thread_id, session)

    def _texts(self, passages: Sequence[Mapping[str, Any]]) -> dict[int, str]:
        """Return the texts of passages, by id, without the thinking of replies unless it is kept."""
        if keeps(self.seen.request.think):
            return self.index.texts(passages)
        reply, fragment = SIDES.index("reply"), SIDES.index("fragment")
        beside = {str(row["turn_id"]) for row in passages if row["side"] == fragment}
        turn_ids = list(dict.fromkeys(str(row["turn_id"]) for row in passages))
        whole = self.index.turn_texts(turn_ids, fragments_of=beside)
        return {
            row["id"]: said_within(text, row["start"], row["end"])
            if row["side"] == reply
            else text[row["start"] : row["end"]]
            for row in passages
            if (text := whole.get(row["turn_id"], ("",) * len(SIDES))[row["side"]])
        }

    def cost(self, recalled: Sequence[Recalled]) -> int:
        """Return the tokens that excerpts add to the request, with the marks around them."""
        return self.measure.tokens(self._weight(recalled))

    def _weight(self, recalled: Sequence[Recalled]) -> float:
        asked = self.seen.request.input
        return self.measure.base(fences.with_excerpts(asked, recalled)) - self.measure.base(asked)

    def added(self, made: Context, recalled: Sequence[Recalled]) -> Context:
        """Return a request with excerpts before its prompt, as many as fit the budget."""
        asked, most = self.seen.request.input, self.seen.budget.tokens
        recalled = self._not_in(made, recalled)
        for count in range(len(recalled), 0, -1):
            some, more = tuple(recalled[:count]), self._weight(recalled[:count])
            total = made.tokens + self.measure.tokens(more)
            if total <= most:
                sent = fences.with_excerpts(asked, some)
                return replace(made, tokens=total, base=made.base + more, input=sent, recalled=some)
        return made

    def _not_in(self, made: Context, recalled: Sequence[Recalled]) -> Sequence[Recalled]:
        """Return excerpts without those of fragments that a request has whole, with another exchange."""
        if not any(one.side == "fragment" for one in recalled):
            return recalled
        there = [message.text for message in made.chain if message.role == "user"]
        return [
            one
            for one in recalled
            if one.side != "fragment" or not any(one.text.partition("] ")[2] in text for text in there)
        ]

    def _turns(self, chosen: Sequence[Excerpt]) -> list[str]:
        numbers = sorted({one.passage.number for one in chosen})
        found = [id_ for number in numbers if number > 0 for id_ in self.turns[number - 1]]
        if self.beyond:
            found += [id_ for number in numbers if number < 0 for id_ in self.beyond.place(number).turn_ids]
        return found
