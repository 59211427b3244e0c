"""Search the prompts and replies of the sessions on a PostgreSQL remote."""

from __future__ import annotations

from typing import Any

from ...errors import RemoteFailed
from ...model import RATED, SIDES, Filters, Hit
from ...rules import names
from ...rules.search_terms import Marker, typed
from ...services.search import with_snippet
from .asking import asked, check_there, reading, sent
from .server import Server, statement

_FEWEST_FOUND = 500
_TIMES_FOUND = 5
"""At least this many calls are read, or this many for each wanted exchange, because an exchange may have several."""

_MOST_LOOSE = 8
_SHORTEST_LOOSE = 3
"""With at most this many words, those with at least this many letters also find longer words."""

_PROMPT, _REPLY = SIDES.index("prompt"), SIDES.index("reply")


def found(  # noqa: PLR0913  what a person can ask for, each on its own
    server: Server, text: str, filters: Filters, *, session: str | None = None, count: int = 20, latest: bool = False
) -> list[Hit]:
    """Return the exchanges whose prompt or reply has all words of a text; if none does, some of them.

    Phrases go in double quotes, and `pier*` finds words that begin with pier; no other sign is syntax. Those with
    longer words come after those with the words themselves.

    Args:
        server: The server.
        text: What to search for.
        filters: Which sessions and calls to search.
        session: The name of a session; None searches them all. Several may have the same name there.
        count: The most exchanges to return.
        latest: Return the newest first, not the best.

    Raises:
        NoSuchSession: There is no session or project of that name.
        RemoteFailed: The remote can't be asked, or the text has no words.
    """
    words = typed(text)
    if not words:
        raise RemoteFailed(
            "A remote can be searched only for words.", "To search for symbols, search a log: llm sessions search"
        )
    given = _narrowed(filters, session) | {"latest": latest, "most": max(_FEWEST_FOUND, count * _TIMES_FOUND)}
    longer = [word for word, _ in words if len(word) >= _SHORTEST_LOOSE] if len(words) <= _MOST_LOOSE else []
    with reading(server):
        server.run("set local transaction_read_only = on")
        for what in ("session", "project"):
            if given[what] is not None:
                check_there(server, what, given[what])
        exact, some = asked(server, words), asked(server, words, any_of=True)
        loose = asked(server, words, longer=longer)
        rows = _rows(server, given | {"exact": exact, "loose": loose})
        if not rows and some != exact:
            rows = _rows(server, given | {"exact": some, "loose": some})
    return _hits(rows, Marker([word for word, _ in words]), count)


def _rows(server: Server, given: dict[str, Any]) -> list[dict[str, Any]]:
    columns, rows = server.answer(statement("remote_search"), given)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _narrowed(filters: Filters, session: str | None) -> dict[str, Any]:
    models = None
    if filters.model is not None:
        asked_for = [name for name in (filters.model, filters.called) if name is not None]
        models = [*asked_for, *(f"ollama/{name}" for name in asked_for)]
        models += [name.removeprefix("ollama/") for name in asked_for]
    return {
        "session": None if session is None else names.key(session),
        "project": None if filters.project is None else names.key(filters.project),
        "models": None if models is None else [sent(name) for name in models],
        "since": filters.since,
        "until": filters.until,
        "tags": [names.key(tag) for tag in filters.tags],
        "marks": None if filters.rated is None else list(RATED[filters.rated]),
    }


def _hits(rows: list[dict[str, Any]], marker: Marker, count: int) -> list[Hit]:
    """Return the exchanges of some calls, at most `count`, each once, with snippets."""
    hits: dict[str, Hit] = {}
    for row in rows:
        if len(hits) == count:
            break
        if row["exchange_id"] in hits:
            continue
        hit = Hit(
            session=row["session"],
            thread_id=row["thread_id"],
            number=row["number"],
            exchange_id=row["exchange_id"],
            model=row["model"] or "",
            datetime_utc=row["datetime_utc"] or "",
            score=row["score"],
            side="",
            snippet="",
            marks=(),
        )
        hits[row["exchange_id"]] = with_snippet(hit, [(_PROMPT, row["prompt"]), (_REPLY, row["response"])], marker)
    return list(hits.values())
