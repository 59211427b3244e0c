"""`llm sessions title`: show, set and remove titles, have a model write them, and turn on that it does by itself."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from ..errors import ModelFailed, NoSuchSession, SessionError
from ..llm_seam.models import model_of
from ..llm_seam.shape import check
from ..memory import Memory
from ..model import TITLE_AFTER, Title
from ..rules.money import exact
from ..rules.safe_text import one_line, plain
from ..rules.words import counted
from ..services.titles import Auto
from .common import as_json, complete, complete_project, echo, opened, session_command

_FEW = 5
"""How many titles are made at once without asking."""

_FAILURES = 3
"""How many titles may fail in a row: then the model's server is probably gone."""

_NAME_WIDTH = 40

_SHOW = "show"
"""What --auto is without a value."""


@session_command("title", short_help="Show, set or make the title of a conversation")
@click.argument("name", required=False, shell_complete=complete)
@click.argument("title", required=False)
@click.option("--make", is_flag=True, help="Have a model write the title (the same as NAME --auto)")
@click.option("--remove", is_flag=True, help="Remove the title")
@click.option(
    "--auto",
    is_flag=False,
    flag_value=_SHOW,
    metavar="on|off",
    type=click.Choice(["on", "off", _SHOW]),
    help="Whether sessions automatically get a title after their third exchange; without a value, show it [off]",
)
@click.option(
    "--project",
    metavar="PROJECT",
    shell_complete=complete_project,
    help="With --auto: only for the sessions of this project",
)
@click.option("--missing", is_flag=True, help="Make titles for the newest conversations that have none")
@click.option("-n", "--count", type=click.IntRange(min=1), default=20, help="With --missing: how many [20]")
@click.option("-m", "--title-model", metavar="MODEL", help="Model that writes titles [the conversation's]")
@click.option("-y", "--yes", is_flag=True, help="With --missing: don't ask")
@click.option("json_", "--json", is_flag=True, help="Output the title as JSON, with its author and its cost")
def title_command(
    name: str | None,
    title: str | None,
    make: bool,
    remove: bool,
    auto: str | None,
    project: str | None,
    missing: bool,
    count: int,
    title_model: str | None,
    yes: bool,
    json_: bool,
    database: str | None,
) -> None:
    """Show the title of a session, or of any conversation by its id. With TITLE, set it.

    A title that a model writes costs one short request. Only sessions get titles automatically, because
    plain llm doesn't run this plugin.

    \b
        llm sessions title work
        llm sessions title work "The bridge in Lisbon"
        llm sessions title work --make -m gpt-4o-mini
        llm sessions title --auto on --title-model gpt-4o-mini
        llm sessions title --missing -n 50
    """
    if name is not None and auto == _SHOW and project is None:
        make, auto = True, None
    _check(name, [title is not None, make, remove], auto, project, missing=missing)
    with opened(database) as memory:
        model_id = model_of(title_model).model_id if title_model is not None else None
        if missing:
            _make_missing(memory, count, model_id, yes=yes)
        elif auto is not None:
            _auto(memory, auto, project, model_id)
        elif name is not None:
            thread_id = memory.titles.thread(name)
            _one(memory, thread_id, title, make=make, remove=remove, model_id=model_id)
            if not remove:
                _print(memory, thread_id, json_=json_)


def _check(name: str | None, actions: Sequence[bool], auto: str | None, project: str | None, *, missing: bool) -> None:
    """Raise UsageError if the arguments don't go together."""
    if sum(actions) > 1:
        raise click.UsageError("Give only one of TITLE, --make and --remove.")
    if project is not None and auto is None:
        raise click.UsageError("--project needs --auto.")
    whole = [flag for flag, given in (("--auto on or off", auto is not None), ("--missing", missing)) if given]
    if len(whole) > 1 or (whole and (name is not None or any(actions))):
        raise click.UsageError(f"{whole[0]} can't be combined with a name or another action.")
    if name is None and not whole:
        raise click.UsageError("Give the name of a session or the id of a conversation, or --auto, or --missing.")


# -- one conversation --------------------------------------------------------


def _one(memory: Memory, thread_id: str, title: str | None, *, make: bool, remove: bool, model_id: str | None) -> None:
    """Set, make or remove a title."""
    if title is not None:
        memory.titles.set(thread_id, title)
        echo(f"Title of “{memory.titles.name(thread_id)}”:", err=True)
    elif make:
        check("titles")
        from ..llm_seam.titles import TitleWriter

        TitleWriter(memory, model_id).write(thread_id)
    elif remove:
        gone = memory.titles.remove(thread_id)
        click.echo(f"Removed: {plain(gone.text)}", err=True)


def _print(memory: Memory, thread_id: str, *, json_: bool) -> None:
    found = memory.titles.of(thread_id)
    name = memory.titles.name(thread_id)
    if json_:
        as_json(_fields(thread_id, name, found))
    elif found is not None:
        echo(found.text)
    else:
        made = memory.desk.command("title", name, "--make")
        echo(f"“{name}” has no title. Have a model write one with: {made}", err=True)


def _fields(thread_id: str, name: str, title: Title | None) -> dict[str, object]:
    return {
        "name": name if name != thread_id else None,
        "thread_id": thread_id,
        "title": title.text if title else None,
        "author": title.author if title else None,
        "made_utc": title.made_utc if title else None,
        "input_tokens": title.input_tokens if title else None,
        "output_tokens": title.output_tokens if title else None,
        "duration_ms": title.duration_ms if title else None,
        "spent_usd": title.spent_usd if title else None,
    }


# -- automatic titles --------------------------------------------------------


def _auto(memory: Memory, auto: str, project: str | None, model_id: str | None) -> None:
    """Turn titles on or off, or only say whether they are on."""
    before = memory.titles.auto(project)
    whose = "Sessions"
    if auto != _SHOW:
        wanted = Auto(on=True, model=model_id or before.model) if auto == "on" else Auto()
        found = memory.titles.set_auto(wanted, project)
        whose = f"Sessions of project “{found}”" if found else whose
    elif project is not None:
        whose = f"Sessions of project “{memory.projects.get(project).name}”"
    now = memory.titles.auto(project)
    if now.on:
        by = now.model or "the session's model"
        echo(f"{whose} get a title after exchange {TITLE_AFTER}, written by {by}.")
        echo(f"For other conversations, use: {memory.desk.command('title', '--missing')}")
    elif project is not None and memory.titles.auto().on:
        echo(f"{whose} still get titles automatically, because they are on for the whole log.")
    else:
        only = [one_line(one.project.name, _NAME_WIDTH) for one in memory.projects.list() if one.project.auto_title]
        some = f", except in project {', '.join(only)}" if only and project is None else ""
        echo(f"{whose} get no automatic titles{some}.")


# -- many conversations ------------------------------------------------------


def _make_missing(memory: Memory, count: int, model_id: str | None, *, yes: bool) -> None:
    """Make the titles of the newest conversations without one, and print each."""
    wanted, total = memory.titles.untitled(count)
    if not wanted:
        echo("Every conversation has a title.", err=True)
        return
    _agree(len(wanted), total, model_id or memory.titles.auto().model, yes=yes)
    check("titles")
    from ..llm_seam.titles import TitleWriter

    writer, failed, in_a_row, spent = TitleWriter(memory, model_id), 0, 0, 0.0
    for number, thread_id in enumerate(wanted, 1):
        name = one_line(memory.titles.name(thread_id), _NAME_WIDTH)
        try:
            made = writer.write(thread_id, again=False)
        except (ModelFailed, NoSuchSession) as error:  # all its exchanges were undone, or it was deleted meanwhile
            failed, in_a_row = failed + 1, in_a_row + isinstance(error, ModelFailed)
            echo(f"{number}/{len(wanted)}  {name}: no title was made ({one_line(error.message).rstrip('.')})", err=True)
            if in_a_row == _FAILURES and number < len(wanted):
                raise SessionError(
                    f"{_FAILURES} titles failed in a row, so the rest were not tried.",
                    "Choose another model with --title-model.",
                ) from error
            continue
        in_a_row, spent = 0, spent + (made.spent_usd or 0)
        echo(f"{number}/{len(wanted)}  {name}  {made.text}")
    left = total - len(wanted) + failed
    cost = f" for {exact(spent)}" if spent else ""
    echo(
        f"Made {counted(len(wanted) - failed, 'title')}{cost}. {counted(left, 'conversation')} without a title left.",
        err=True,
    )


def _agree(count: int, total: int, model_id: str | None, *, yes: bool) -> None:
    """Ask before more than a few requests are sent. Raises SessionError if nobody can answer."""
    if yes or count <= _FEW:
        return
    by = model_id or "the model of each conversation"
    requests = f"{counted(total, 'conversation')} without a title. Making {count:,} takes {count:,} requests to {by}."
    if not sys.stdin.isatty():
        raise SessionError(f"{requests} Nothing was sent.", f"Add --yes to send them, or -n {_FEW} to make fewer.")
    click.confirm(f"{plain(requests)} Send them?", abort=True, err=True)
