"""The answers of a job as a file, in the order of its items: JSONL or CSV, written completely or not at all."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Literal, get_args

from ..errors import SessionError
from ..model.jobs import Item, Job
from ..reader.files.spreadsheet import cell
from ..rules.patterns import as_text
from ..services.answers import JobAnswer, answers
from ..services.bundle import Services
from .whole_file import whole_file

AnswerForm = Literal["jsonl", "csv"]
ANSWER_FORMS: tuple[str, ...] = get_args(AnswerForm)

_ENDINGS: dict[str, AnswerForm] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv"}

_BEFORE = ("line", "id")
_AFTER = (
    *("prompt", "model", "response", "state", "error", "input_tokens", "output_tokens", "duration_ms", "cost_usd"),
    *("session", "turn"),
)
"""The columns before and after those of the file of prompts, which begin with `values.` if they have the same name."""

_SAME = ("id", "prompt")
"""Columns of the file of prompts that are among ours, also if a template uses them."""


def form_of(path: Path) -> AnswerForm:
    """Return the format of a file of answers, by its ending. Raises SessionError if the ending says nothing."""
    found = _ENDINGS.get(path.suffix.lower())
    if found is None:
        raise SessionError(f"{path} has no ending that tells its format.", "Use a name that ends in .jsonl or .csv.")
    return found


def write_answers(services: Services, job: Job, path: Path, form: AnswerForm, *, force: bool) -> int:
    """Write the answers of a job to a file and return how many items have one. Raises SessionError."""
    with whole_file(path, force=force) as stream:
        return _write(services, job, stream, form)


def _write(services: Services, job: Job, stream: IO[str], form: AnswerForm) -> int:
    answered = 0
    if form == "jsonl":
        for record in _records(services, job):
            answered += record["response"] is not None
            stream.write(json.dumps(record, ensure_ascii=False) + "\n")
        return answered
    names = _names(services.jobs.items(job))
    writer = csv.writer(stream, lineterminator="\n")
    theirs = (f"values.{name}" if name in (*_BEFORE, *_AFTER) else name for name in names)
    writer.writerow([cell(name) for name in (*_BEFORE, *theirs, *_AFTER)])
    for answer, fields in _answers(services, job):
        answered += answer.reply is not None
        values: dict[str, Any] = dict(answer.item.input.get("values") or {})
        cells = [fields[name] for name in _BEFORE] + [values.get(name) for name in names]
        writer.writerow([_cell(value) for value in (*cells, *(fields[name] for name in _AFTER))])
    return answered


def lines_of(services: Services, job: Job) -> Iterator[str]:
    """Yield the lines of a JSONL file with the answers of a job."""
    return (json.dumps(record, ensure_ascii=False) + "\n" for record in _records(services, job))


def _records(services: Services, job: Job) -> Iterator[dict[str, Any]]:
    return (_record(job, answer, fields) for answer, fields in _answers(services, job))


def _answers(services: Services, job: Job) -> Iterator[tuple[JobAnswer, dict[str, Any]]]:
    """Yield each answer with its fields."""
    found = answers(services.desk, services.jobs.items(job), several_calls=bool(job.settings.get("tools")))
    return ((answer, _fields(answer, session)) for answer, session in _with_sessions(services, found))


def _names(items: Iterable[Item]) -> list[str]:
    """Return the names of all columns that the file of prompts had besides those with a meaning, in their order."""
    found: dict[str, None] = {}
    for item in items:
        found.update(dict.fromkeys(item.input.get("values") or ()))
    return [name for name in found if name not in _SAME]


def _with_sessions(services: Services, found: Iterable[JobAnswer]) -> Iterator[tuple[JobAnswer, str | None]]:
    """Yield each answer with the name of the session that it is in."""
    names: dict[str, str | None] = {}
    for answer in found:
        thread_id = answer.item.thread_id or ""
        if thread_id not in names:
            names = {} if len(names) > _REMEMBERED else names
            session = services.sessions.of_thread(thread_id) if thread_id else None
            names[thread_id] = session.name if session else None
        yield answer, names[thread_id]


_REMEMBERED = 1000


def _fields(answer: JobAnswer, session: str | None) -> dict[str, Any]:
    item = answer.item
    return {
        "line": item.input.get("line"),
        "id": item.id,
        "prompt": item.input.get("prompt"),
        "model": item.model,
        "response": answer.reply,
        "state": item.state,
        "error": item.error,
        "input_tokens": item.input_tokens,
        "output_tokens": item.output_tokens,
        "duration_ms": item.duration_ms,
        "cost_usd": item.cost_usd,
        "session": session,
        "turn": item.turn_id,
    }


def _record(job: Job, answer: JobAnswer, fields: dict[str, Any]) -> dict[str, Any]:
    """Return the object of a line. Fields without a value are left out, except for the response."""
    made = {name: fields[name] for name in _BEFORE if fields[name] is not None}
    if values := answer.item.input.get("values"):
        made["values"] = values
    made |= {name: fields[name] for name in _AFTER if fields[name] is not None or name == "response"}
    if answer.reply is not None and (job.settings.get("schema") or answer.item.input.get("schema")):
        made["json"] = _parsed(answer.reply)
    return made


def _parsed(reply: str) -> Any:
    """Return the value that a reply with a schema has, or None if it isn't JSON."""
    try:
        return json.loads(reply)
    except (ValueError, RecursionError):
        return None


def _cell(value: Any) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else cell(as_text(value))
