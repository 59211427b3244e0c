"""Find threads by name or id, and describe each as a line: a session, or an unnamed conversation."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..rules import names
from .entries import Line, Relative
from .families import lengths, parents
from .figures import Cost, Figures
from .older import Older, older_log
from .openings import openings
from .source import Source, ids
from .usage import models_used


def lines(source: Source, thread_ids: Iterable[str]) -> tuple[Line, ...]:
    """Return threads as lines of the list, in the order given."""
    wanted = list(thread_ids)
    old = older_log(source)
    found = {row["thread_id"]: row for row in source.rows("list_facts", ids=ids(wanted))}
    origins = parents(source, found)
    older_names = {
        row["id"]: row["name"]
        for row in source.query(
            "select id, name from conversations where id in (select value from json_each(:ids))",
            ids=ids(thread_id for thread_id in wanted if old.get(thread_id)),
        )
    }
    first = openings(source, wanted)
    used = models_used(source)
    made = {id_: _line(found[id_], old.get(id_), older_names.get(id_)) for id_ in wanted if id_ in found}
    whole = lengths(source, {id_: line.figures.exchanges for id_, line in made.items()})
    made |= {id_: replace(made[id_], figures=replace(made[id_].figures, exchanges=n)) for id_, n in whole.items()}
    return tuple(_completed(source, made[id_], origins, first, used) for id_ in wanted if id_ in made)


def line(source: Source, thread_id: str, figures: Figures) -> Line:
    """Return one thread as a line, with figures that the caller already has."""
    older = older_log(source).get(thread_id)
    sql = "select name from conversations where id = :id"
    older_name = source.value(sql, id=thread_id) if older else None
    (row,) = source.rows("line", thread_id=thread_id)
    found = _described(row, figures, older, older_name)
    return _completed(source, found, parents(source, [thread_id]), openings(source, [thread_id]), models_used(source))


def _completed(
    source: Source,
    line: Line,
    origins: Mapping[str, Relative],
    first: Mapping[str, str],
    used: Mapping[str, frozenset[str]],
) -> Line:
    """Return a line with its origin, opening and models, and with its project if the visitor may see projects."""
    project = line.project if "memory_projects" in source.tables else None
    others = sorted(model for model, threads in used.items() if model != line.model and line.thread_id in threads)
    return replace(
        line,
        origin=origins.get(line.thread_id),
        project=project,
        opening=first.get(line.thread_id, ""),
        models=(*([line.model] if line.model else []), *others),
    )


def find(source: Source, reference: str) -> str | None:
    """Return the id of the thread with this name or id, or None."""
    by_name = source.value(
        "select thread_id from memory_sessions where name = :name or name_key = :key order by name = :name desc",
        name=reference,
        key=names.key(reference),
    )
    if by_name is not None:
        return str(by_name)
    sql = "select 1 from threads where id = :id union all select 1 from memory_sessions where thread_id = :id limit 1"
    known = older_log(source).get(reference) is not None or source.value(sql, id=reference) is not None
    return reference if known else None


def owner(source: Source, turn_id: str) -> str | None:
    """Return the thread that a turn or response belongs to, or None."""
    found = source.value(
        "select thread_id from turns where id = :id"
        " union all select conversation_id from responses where id = :id limit 1",
        id=turn_id,
    )
    return None if found is None else str(found)


def _line(row: dict[str, Any], older: Older | None, older_name: str | None) -> Line:
    cost = Cost(row["cost"], row["calls"], row["counted"], row["priced"], row["local"] or 0)
    figures = Figures(
        row["calls"] - row["continuing"] - row["undone"],
        row["calls"],
        row["input_tokens"],
        row["output_tokens"],
        cost,
        row["first_utc"] or "",
        row["last_utc"] or "",
    )
    if older:
        figures += older.figures
    return _described(row, figures, older, older_name)


def _described(row: dict[str, Any], figures: Figures, older: Older | None, older_name: str | None) -> Line:
    created = "" if figures.calls else row["created_utc"] or ""
    figures += Figures(first_utc=created, last_utc=row["attempted_utc"] or created)
    return Line(
        thread_id=row["thread_id"],
        name=row["name"],
        first_words=older_name or row["first_words"] or "",
        model=row["last_model"] or row["session_model"] or (older.model if older else "") or "",
        own_model=row["session_model"] or "",
        figures=figures,
        tags=tuple(json.loads(row["tags"] or "[]")),
        policy=row["policy"],
        budget=row["budget"],
        pins=row["pins"],
        attempts=row["attempts"],
        forked_from=row["forked_from"],
        project=row["project"],
        template=row["template"],
        archived_utc=row["archived_utc"],
        title=row["title"] or "",
        snapshots=row["snapshots"],
    )
