"""`llm sessions summary`: show, redo or edit the summary of exchanges no longer sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from ..errors import SessionError
from ..llm_seam.summaries import redo
from ..memory import Memory
from ..model import Summary
from ..rules.safe_text import plain
from .common import as_json, echo, local_time, opened, session_argument, session_command


@session_command("summary", short_help="Show the summary of exchanges no longer sent")
@session_argument()
@click.option("--redo", "again", is_flag=True, help="Rewrite it, from all exchanges up to the last one it covers")
@click.option("-m", "--model", "model_id", help="With --redo: model that writes it")
@click.option("--edit", is_flag=True, help="Edit it in your editor")
@click.option("json_", "--json", is_flag=True, help="Output as JSON, including earlier summaries, newest first")
def summary_command(
    name: str,
    again: bool,
    model_id: str | None,
    edit: bool,
    json_: bool,
    database: str | None,
) -> None:
    """Show the summary that is sent in place of older exchanges, what it covers, and how it was made.

    With --memory summary, summaries are made by the session's model, or by the one set with --summary-model.

    \b
        llm sessions summary work
        llm sessions summary work --edit
        llm sessions summary work --redo -m llama3
    """
    if again and edit:
        raise click.UsageError("--redo and --edit can't be combined: each replaces the summary in use.")
    if model_id and not again:
        raise click.UsageError("-m needs --redo. For later summaries, use: llm sessions set NAME --summary-model MODEL")
    with opened(database) as memory:
        if (again or edit) and not memory.notes.summaries(name):
            raise SessionError(_none_yet(memory, name))
        if again:
            redo(memory, name, model_id)
        if edit:
            _edit(memory, name)
        found = memory.notes.summaries(name)
        numbers = memory.sessions.numbers(name)
        hint = "" if found else _none_yet(memory, name)
    if json_:
        as_json([_fields(summary, numbers) for summary in found])
    elif not found:
        echo(hint)
    else:
        echo(found[0].text)
        click.echo()
        echo(_provenance(found[0], numbers))
        if len(found) > 1:
            echo(_history(found))


def _none_yet(memory: Memory, name: str) -> str:
    session = memory.sessions.get(name)
    message = f"Session “{session.name}” has no summary yet. One is made when exchanges no longer fit"
    if "summary" in (session.settings.memory or ""):
        return f"{message}."
    return f"{message}, if you turn summaries on: {memory.desk.command('set', session.name, '--memory', 'summary')}"


def _edit(memory: Memory, name: str) -> None:
    text = memory.notes.summaries(name)[0].text
    edited = click.edit(text)
    if edited is None or edited.strip() == text:
        echo("Nothing was changed.", err=True)
        return
    memory.notes.edit_summary(name, edited)


def _provenance(summary: Summary, numbers: Mapping[str, int]) -> str:
    first, last = numbers.get(summary.first_turn_id), numbers.get(summary.last_turn_id, 0)
    by = f"made by {plain(summary.model)}" if summary.model else "edited by you"
    made = f"{by} on {local_time(summary.made_utc)}{_cost([summary])}."
    if first is None or not summary.is_usable(numbers):
        return f"Not sent: exchanges that it covers were undone, brought back or deleted since; {made}"
    covered = f"exchange #{first}" if first == last else f"exchanges #{first} to #{last}"
    if summary.exchanges < last - first + 1:
        covered = f"{summary.exchanges:,} of the {covered}"  # the others are pinned, or were too many to read at once
    return f"Covers {covered}; {made}"


def _history(found: Sequence[Summary]) -> str:
    return f"Summaries made so far: {len(found):,}{_cost(found)}."


def _cost(found: Sequence[Summary]) -> str:
    """Return what making summaries cost, as far as the servers reported it, as the end of a sentence."""
    facts: list[str] = []
    if any(one.input_tokens is not None or one.output_tokens is not None for one in found):
        read = sum(one.input_tokens or 0 for one in found)
        written = sum(one.output_tokens or 0 for one in found)
        facts.append(f"{read:,} → {written:,} tokens")
    took = sum(one.duration_ms or 0 for one in found)
    if took:
        facts.append(f"{took / 1000:.1f} s")
    return "".join(f", {fact}" for fact in facts)


def _fields(summary: Summary, numbers: Mapping[str, int]) -> dict[str, object]:
    return {
        "text": summary.text,
        "first": numbers.get(summary.first_turn_id),
        "last": numbers.get(summary.last_turn_id),
        "exchanges": summary.exchanges,
        "model": summary.model,
        "input_tokens": summary.input_tokens,
        "output_tokens": summary.output_tokens,
        "duration_ms": summary.duration_ms,
        "made_utc": summary.made_utc,
    }
