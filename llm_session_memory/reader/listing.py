"""Read the list of sessions: named ones and unnamed conversations, from both generations of llm's tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import islice

from ..rules import names
from ..rules.dates import day_after
from .among import among
from .cache import kept
from .entries import PAGE, Filters, Line, Listing, Sort
from .families import lengths
from .moments import parsed_moment
from .older import Older, older_log
from .source import Source, ids
from .threads import lines

_LAST = "~"
"""Sorts after every id, because ids are letters and digits."""

_BASE32 = "0123456789abcdefghjkmnpqrstvwxyz"


def listing(
    source: Source,
    filters: Filters,
    *,
    sort: Sort = "used",
    after: str | None = None,
    count: int = PAGE,
) -> Listing:
    """Return a page of the list; `after` is the `next` key of the previous page."""
    asked = ("list", filters, sort, after, count)
    return kept(source, asked, lambda: _page(source, filters, sort, after, count), lambda page: len(page.lines) + 1)


def _page(source: Source, filters: Filters, sort: Sort, after: str | None, count: int) -> Listing:
    reading = _Reading(source, filters)
    keyed = reading.by_use(after, count + 1) if sort == "used" else reading.ranked(sort, after, count + 1)
    shown = keyed[:count]
    named, others = totals(source)
    archived = source.value("select count(archived_utc) from memory_sessions")
    return Listing(
        lines=lines(source, [thread_id for _, thread_id in shown]),
        next=shown[-1][0] if len(keyed) > count else None,
        named=named - archived,
        archived=archived,
        others=others,
        models=models(source),
        rated=bool(source.value("select 1 from memory_ratings limit 1")),
        tags=tuple(
            row["tag"] for row in source.query("select min(tag) as tag from memory_tags group by tag_key limit 200")
        ),
        projects=projects(source),
    )


def totals(source: Source) -> tuple[int, int]:
    """Return the number of named sessions and the number of unnamed conversations."""
    named = source.value("select count(*) from memory_sessions")
    threads = source.value("select count(*) from threads")
    both = source.value(
        "select (select count(*) from memory_sessions s join threads t on t.id = s.thread_id)"
        " + (select count(*) from conversations c join threads t on t.id = c.id)"
    )
    return named, max(threads + len(older_log(source)) - both, 0)


class _Reading:
    """One reading of the list, with its log and its filters."""

    def __init__(self, source: Source, filters: Filters) -> None:
        self._source, self._filters = source, filters
        self._old = older_log(source)
        self._among = among(source, filters)
        self._given = {
            "model": filters.model,
            "tag": names.key(filters.tag) if filters.tag else None,
            "since": filters.since,
            "until": day_after(filters.until),
            "named": filters.named,
            "like": None if filters.text is None else f"%{_escaped(filters.text)}%",
            **self._among.parameters(),
        }

    def by_use(self, after: str | None, count: int) -> list[tuple[str, str]]:
        """Return (key, thread id), last used first. The key is the id of the newest turn, response or attempt."""
        before = after or _LAST
        attempted = self._attempted()
        few = "list_among" if self._among.only is not None else "list_named" if self._filters.named else None
        today = (
            (row["last_id"], row["thread_id"])
            for row in self._source.rows(
                few or "list_threads",
                **self._given,
                before=before,
                count=count,
                elsewhere=ids(id_ for _, id_ in attempted),
            )
        )
        special = sorted((key for key in attempted if key[0] < before), reverse=True)
        older = ((one.last_id, one.thread_id) for one in self._older(self._old.before(before), attempted))
        return list(islice(merge(today, self._kept(special), older, reverse=True), count))

    def ranked(self, by: Sort, after: str | None, count: int) -> list[tuple[str, str]]:
        """Return (key, thread id), highest value first. The key is the value and the id."""
        counted = dict(self._source.tuples("list_ranked", **self._given, by=by))
        gone_on = [one for one in self._old.before(_LAST) if one.thread_id in counted]
        for one in (*gone_on, *self._older(self._old.before(_LAST), ())):
            figures = one.figures
            tokens = (figures.input_tokens or 0) + (figures.output_tokens or 0)
            value = tokens if by == "tokens" else figures.exchanges
            counted[one.thread_id] = (counted.get(one.thread_id) or 0) + value
        for _, thread_id in self._kept(self._attempted()):
            counted.setdefault(thread_id, 0)
        if by == "exchanges":
            counted |= lengths(self._source, {id_: number or 0 for id_, number in counted.items()})
        from heapq import nlargest

        below = _ranked_key(after)
        pairs = ((number or 0, id_) for id_, number in counted.items())
        best = nlargest(count, (pair for pair in pairs if below is None or pair < below))
        return [(f"{number},{id_}", id_) for number, id_ in best]

    def _attempted(self) -> list[tuple[str, str]]:
        """Return (key, thread id) of the sessions whose newest event is a failed attempt or their creation."""
        found = self._source.rows("list_attempted")
        return [
            (row["attempt_id"] or f"{_as_id(row['created_utc'])}{row['thread_id']}", row["thread_id"]) for row in found
        ]

    def _kept(self, keys: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
        """Yield the sessions that match the filters."""
        wanted = list(keys)
        if not self._filters.any:
            yield from (key for key in wanted if self._among.has(key[1]))
            return
        found = {line.thread_id: line for line in lines(self._source, [i for _, i in wanted])}
        yield from (key for key in wanted if key[1] in found and self._fits(found[key[1]]))

    def _fits(self, line: Line) -> bool:
        asked, given = self._filters, self._given
        tags = [names.key(tag) for tag in line.tags]
        return (
            self._among.has(line.thread_id)
            and self._used(line.model, line.figures.last_utc)
            and (given["tag"] is None or given["tag"] in tags)
            and (
                asked.text is None
                or asked.text.lower() in f"{line.name or ''}\n{line.title}\n{line.first_words}".lower()
            )
        )

    def _used(self, model: str, last_utc: str) -> bool:
        """Return whether a model and a time of last use match the filters."""
        asked, until = self._filters, self._given["until"]
        return (
            (asked.model is None or asked.model == model)
            and (asked.since is None or last_utc >= asked.since)
            and (until is None or last_utc < str(until))
        )

    def _older(self, found: Iterator[Older], attempted: Iterable[tuple[str, str]]) -> Iterator[Older]:
        """Yield the older conversations that match the filters and are not listed by newer turns.

        Those with a name, and therefore tags, are not among them: `_attempted` lists them.
        """
        if self._filters.named or self._filters.tag or self._filters.project or self._filters.template:
            return
        skip = {thread_id for _, thread_id in attempted}
        sql = "select distinct thread_id as id from turns where thread_id in (select value from json_each(:ids))"
        while chunk := list(islice(found, 200)):
            chunk_ids = ids(one.thread_id for one in chunk)
            skip |= {row["id"] for row in self._source.query(sql, ids=chunk_ids)}
            left = [one for one in chunk if one.thread_id not in skip and self._among.has(one.thread_id)]
            left = [one for one in left if self._used(one.model, one.figures.last_utc)]
            if self._filters.text is not None:
                like = "select id from conversations c where id in (select value from json_each(:ids))"
                like += " and (name like :like escape '\\' or exists"
                like += " (select 1 from memory_titles y where y.thread_id = c.id and y.title like :like escape '\\'))"
                fitting = {row["id"] for row in self._source.query(like, ids=chunk_ids, like=self._given["like"])}
                left = [one for one in left if one.thread_id in fitting]
            yield from left


def models(source: Source) -> tuple[str, ...]:
    """Return the models that a filter can choose from: those of the newest calls and of older conversations."""
    sql = "select distinct model from (select model from turns order by rowid desc limit 2000) where model <> ''"
    found = {row["model"] for row in source.query(sql)}
    return tuple(sorted(found | {model for model in older_log(source).models() if model}))


def projects(source: Source) -> tuple[str, ...]:
    """Return the names of the projects, in order."""
    return tuple(row["name"] for row in source.query("select name from memory_projects order by name_key"))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _ranked_key(after: str | None) -> tuple[float, str] | None:
    if not after:
        return None
    number, _, thread_id = after.partition(",")
    try:
        return float(number), thread_id
    except ValueError:
        return None


def _as_id(utc: str) -> str:
    """Return the beginning of an id of that time: its milliseconds in 10 digits of base 32."""
    moment = parsed_moment(utc)
    if moment is None:
        return ""
    left, digits = max(int(moment.timestamp() * 1000), 0), ""
    for _ in range(10):
        left, digit = divmod(left, 32)
        digits = _BASE32[digit] + digits
    return digits
