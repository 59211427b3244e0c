"""`llm sessions show` and `context`: print what was said, and what would be sent."""

from __future__ import annotations

import click
from tabulate import tabulate

from ..errors import NoSuchSession
from ..llm_seam.models import near_of, session_model
from ..memory import Memory
from ..model import DEFAULT_MAX_CONTEXT_TOKENS, POLICIES, Attempt, Context, ContextItem, Session, Settings
from ..reader.files.fields import as_fields
from ..reader.files.markdown import ShownTranscript, as_markdown
from ..rules.policy import effective, parsed_policy
from ..rules.safe_text import one_line
from ..rules.words import counted
from .common import as_json, complete_sources, echo, opened, session_argument, session_command

_PROMPT_WIDTH = 60
_NAME_WIDTH = 20


@session_command("show", short_help="Show a session's transcript as Markdown")
@session_argument()
@click.option("-n", "--count", type=click.IntRange(min=1), help="Only the newest N exchanges")
@click.option("--from", "first", type=click.IntRange(min=1), metavar="N", help="Start at exchange N")
@click.option("--to", "last", type=click.IntRange(min=1), metavar="N", help="Stop after exchange N")
@click.option("json_", "--json", is_flag=True, help="Output as JSON")
def show_command(
    name: str,
    count: int | None,
    first: int | None,
    last: int | None,
    json_: bool,
    database: str | None,
) -> None:
    """Show a session's transcript as Markdown: every exchange, including those no longer sent.

    \b
        llm sessions show work -n 3
        llm sessions show work --from 10 --to 20 --json
    """
    if count and (first or last):
        raise click.UsageError("-n can't be combined with --from or --to.")
    if first and last and first > last:
        raise click.UsageError("--from can't be greater than --to.")
    with opened(database) as memory:
        found = _transcript(memory, memory.sessions.get(name), count, first, last)
    if json_:
        as_json(as_fields(found))
    else:
        echo(as_markdown(found), nl=False)


def _transcript(
    memory: Memory, session: Session, count: int | None, first: int | None, last: int | None
) -> ShownTranscript:
    total = memory.sessions.exchange_count(session)
    if count:
        first = max(1, total - count + 1)
    start, end = first or 1, min(last or total, total)
    if start > max(total, 1):
        raise NoSuchSession(
            f"Session “{session.name}” has no exchange #{start}.", f"It has {counted(total, 'exchange')}."
        )
    exchanges = memory.sessions.exchanges(session.name, start, end) if start <= end else []
    return ShownTranscript(
        session=session,
        total=total,
        exchanges=tuple(exchanges),
        attempts=tuple(_between(memory, session, start, end, total)),
        pinned=frozenset(memory.sessions.pinned(session.name)),
        retry=memory.desk.command("retry", session.name),
        beside=memory.notes.beside(session.name),
        ratings=memory.ratings.of(session.name),
        opinions=memory.ratings.opinions(session.name),
        bookmarks=memory.ratings.bookmarks(session.name),
        snapshots=memory.snapshots.labels(session.name),
    )


def _between(memory: Memory, session: Session, start: int, end: int, total: int) -> list[Attempt]:
    """Return the failed prompts among the exchanges shown."""
    least, most = start if start > 1 else 0, min(total, end)
    return [one for place, one in memory.record.placed_attempts(session.name) if least <= place <= most]


@session_command("context", short_help="Show what would be sent for a prompt, without sending it")
@session_argument()
@click.argument("prompt", required=False, default="")
@click.option("-m", "--model", "model_id", help="Use this model instead of the session's")
@click.option("-s", "--system", help="Use this system prompt")
@click.option("-o", "--option", "options", type=(str, str), multiple=True, help="Use this model option")
@click.option("--max-context-tokens", type=click.IntRange(min=1), metavar="N", help="Use this budget")
@click.option("--memory", "policy", metavar="POLICY", help="Use this policy")
@click.option(
    "--recall-share",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="S",
    help="Largest share of the request that excerpts may fill",
)
@click.option(
    "--recall-from", metavar="WHERE", shell_complete=complete_sources, help="Recall from these other sessions too"
)
@click.option("--text", is_flag=True, help="Print the messages exactly as they would be sent")
@click.option("json_", "--json", is_flag=True, help="Output as JSON, including the messages")
def context_command(
    name: str,
    prompt: str,
    model_id: str | None,
    system: str | None,
    options: tuple[tuple[str, str], ...],
    max_context_tokens: int | None,
    policy: str | None,
    recall_share: float | None,
    recall_from: str | None,
    text: bool,
    json_: bool,
    database: str | None,
) -> None:
    """Show exactly what would be sent for PROMPT in a session, item by item, with fate, reason and tokens.

    Sends nothing, and writes only the full-text index that recall searches.

    \b
        llm sessions context work "When is the deadline?"
        llm sessions context work "When is the deadline?" --recall-from tag:bridge
    """
    with opened(database) as memory:
        session = memory.sessions.get(name)
        asked = Settings(
            model_id,
            system,
            dict(options),
            max_context_tokens,
            parsed_policy(policy) if policy else None,
            recall_share,
            recall_from=recall_from,
        )
        asked = memory.desk.settled(asked)
        model = session_model(session, asked)
        made = memory.requests.context(name, prompt, model=model, asked=asked, near=near_of(memory, session, asked))
        settings = effective(session.settings, asked)
    if json_:
        as_json(_fields(session, made))
    elif text:
        _print_messages(made)
    else:
        _print(made, settings.memory or POLICIES[0], model.model_id)


def _print(made: Context, policy: str, model_id: str) -> None:
    rows = [
        (
            _numbers(item),
            item.fate,
            f"{item.tokens:,}" if item.fate not in ("pruned", "summarised") else "",
            f"{item.reason}: {one_line(item.text, _PROMPT_WIDTH)}" if item.text else item.reason,
        )
        for item in made.items
    ]
    echo(
        tabulate(
            rows, headers=("#", "fate", "tokens", "why"), tablefmt="plain", colalign=("right", "left", "right", "left")
        )
    )
    click.echo()
    limit = made.budget
    echo(f"request  about {made.tokens:,} tokens" + ("" if made.calibrated else " (not yet measured for this model)"))
    echo(f"budget   {limit.tokens:,} tokens: {_why_budget(made)}")
    window = f"{limit.window.tokens:,} tokens, {limit.window.source}" if limit.window.tokens else limit.window.source
    echo(f"window   {window}")
    echo(f"policy   {policy}, model {model_id}")
    continues = "continues: the previous request without excerpts, its reply, and the new prompt"
    echo(f"block    {continues if made.block.id else f'new: {made.block.reason}'}")
    for notice in made.notices:
        echo(f"notice   {notice}")


def _why_budget(made: Context) -> str:
    limit = made.budget
    if limit.tokens < limit.setting and limit.window.tokens:
        return f"the context window minus {limit.room:,} for the answer"
    return "the default" if limit.setting == DEFAULT_MAX_CONTEXT_TOKENS else "--max-context-tokens"


def _numbers(item: ContextItem) -> str:
    if not item.first:
        return ""
    if item.thread_id is not None:
        return f"{one_line(item.session, _NAME_WIDTH)} #{item.first}"
    return f"#{item.first}" if item.first == item.last else f"#{item.first}–#{item.last}"


def _print_messages(made: Context) -> None:
    for message in made.messages:
        echo(f"--- {message.role}")
        for part in message.parts:
            echo(_part(part.data) if not part.attachments else f"[{part.attachments[0].type}]")


def _part(data: object) -> str:
    import json

    if isinstance(data, dict) and data.get("type") == "text":
        return str(data.get("text") or "")
    return json.dumps(data, ensure_ascii=False)


def _fields(session: Session, made: Context) -> dict[str, object]:
    limit = made.budget
    messages: list[object] = [
        {
            "role": m.role,
            "parts": [
                {**p.data, "attachments": [a.id for a in p.attachments]} if p.attachments else dict(p.data)
                for p in m.parts
            ],
        }
        for m in made.messages
    ]
    return {
        "session": session.name,
        "tokens": made.tokens,
        "measured": made.calibrated,
        "budget": limit.tokens,
        "room_for_answer": limit.room,
        "window": limit.window.tokens,
        "window_source": limit.window.source,
        "policy": made.block.policy,
        "block": {"continues": made.block.id is not None, "start": made.start, "reason": made.block.reason},
        "exchanges": made.exchanges,
        "items": [
            {
                "fate": item.fate,
                "first": item.first or None,
                "last": item.last or None,
                "session": item.session or None,
                "thread_id": item.thread_id,
                "tokens": item.tokens,
                "reason": item.reason,
                "cut": item.clipped,
                "score": item.score,
            }
            for item in made.items
        ],
        "messages": messages,
        "notices": list(made.notices),
    }
