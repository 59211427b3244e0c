"""`llm sessions votes`: which models people prefer, by their votes on answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
from tabulate import tabulate

from ..errors import SessionError
from ..model.votes import CastVote
from ..rules.names import key as name_key
from ..rules.safe_text import one_line
from ..rules.words import counted
from .common import as_json, complete_group, echo, local_time, opened, session_command

if TYPE_CHECKING:
    from ..insight.preference import Preference, Strength

_WIDEST = 40
"""How many characters of a model's name are shown."""

_NO_VOTES = "There are no votes yet."


@session_command("votes", short_help="Show which models you prefer, by your votes on their answers")
@click.option("--group", metavar="NAME", shell_complete=complete_group, help="Only votes on answers of this group")
@click.option("--blind", is_flag=True, help="Only votes that were given without knowing the models")
@click.option("list_", "--list", is_flag=True, help="List the votes, oldest first")
@click.option("json_", "--json", is_flag=True, help="Output as JSON")
def votes_command(
    group: str | None,
    blind: bool,
    list_: bool,
    json_: bool,
    database: str | None,
) -> None:
    """Show which models you prefer, by your votes on their answers (llm compare asks for them).

    “preferred” is the estimated probability that a model's answer is preferred to another model's, with its 95%
    interval, by the Bradley-Terry model; “best” is the probability that no other model is preferred to it. Both need
    the extra “compare”. For each pair of models, an exact test says whether the votes show a difference.

    \b
        llm sessions votes
        llm sessions votes --group compare-2026-11-28-1
        llm sessions votes --blind --json
    """
    with opened(database) as memory:
        key = name_key(memory.groups.get(group).name) if group is not None else None
        votes = [one for one in memory.votes.all(key) if one.vote.blind or not blind]
        threads = {id_ for one in votes for id_ in (one.a_thread_id, one.b_thread_id) if id_} if list_ else set()
        found_names = {id_: memory.sessions.of_thread(id_) for id_ in threads}
    if list_:
        _list(votes, {id_: one.name for id_, one in found_names.items() if one is not None}, json_=json_)
        return
    from ..insight.preference import preference, sentences

    missing = None
    try:
        found = preference(votes)
    except SessionError as error:  # the counts and the exact tests need no library
        missing, found = error, preference(votes, strengths=False)
    if json_:
        as_json({**asdict(found), "sentences": sentences(found)})
    elif not found.votes:
        echo(_NO_VOTES + _left_out(found))
    else:
        blindly = " (all blind)" if found.blind == found.votes else f" ({found.blind:,} blind)" if found.blind else ""
        echo(f"{counted(found.votes, 'vote')}{blindly} on {counted(found.prompts, 'prompt')}{_left_out(found)}\n")
        _table(found.models)
        echo("\n" + "\n".join(sentences(found)))
    if missing is not None and found.votes:
        echo(str(missing), err=True)


def _left_out(found: Preference) -> str:
    """Return how many votes were not counted, and why."""
    why = [
        (found.same, "on two answers of the same model"),
        (found.lost, "on answers that are no longer in the log"),
    ]
    told = [f"{number:,} {text}" for number, text in why if number]
    return f"; not counted: {', '.join(told)}" if told else ""


def _table(models: Iterable[Strength]) -> None:
    rows = [
        [
            one_line(one.model, _WIDEST),
            *([] if one.share is None else [_percent(one.share), f"{_percent(one.low)} to {_percent(one.high)}"]),
            *([] if one.best is None else [_percent(one.best)]),
            *(f"{number:,}" for number in (one.wins, one.ties, one.losses)),
        ]
        for one in models
    ]
    estimated = ["preferred", "95% interval", "best"] if any(one.share is not None for one in models) else []
    heads = ["model", *estimated, "wins", "ties", "losses"]
    sides = ["left", *["right"] * (len(heads) - 1)]
    echo(tabulate(rows, headers=heads, tablefmt="plain", disable_numparse=True, colalign=sides))


def _percent(share: float | None) -> str:
    """Return a probability in percent; only what is certain is 0 or 100."""
    if share is None:
        return ""
    rounded = round(100 * share)
    if rounded in (0, 100) and 0 < share < 1:
        return "<1%" if rounded == 0 else ">99%"
    return f"{rounded}%"


def _list(votes: Iterable[CastVote], names: dict[str, str], *, json_: bool) -> None:
    """Print votes one by one."""
    fields = [_fields(one, names) for one in votes]
    if json_:
        as_json(fields)
        return
    if not fields:
        echo(_NO_VOTES)
        return
    for one in fields:
        a, b = (
            f"{one_line(one[f'{side}_model'] or 'unknown model')} ({one_line(one[f'{side}_session'] or 'gone')})"
            for side in "ab"
        )
        said = {"a": f"{a} better than {b}", "b": f"{b} better than {a}"}.get(one["better"], f"{a} as good as {b}")
        echo(f"{local_time(one['voted_utc'])}  {said}{', blind' if one['blind'] else ''}")


def _fields(one: CastVote, names: dict[str, str]) -> dict[str, Any]:
    return {
        **asdict(one.vote),
        "a_model": one.a_model,
        "b_model": one.b_model,
        "a_session": names.get(one.a_thread_id or "", one.a_thread_id),
        "b_session": names.get(one.b_thread_id or "", one.b_thread_id),
    }
