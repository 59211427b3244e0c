"""`llm compare`: ask several models the same prompt, and say which answer is the best."""

from __future__ import annotations

import random
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import click

from ..errors import SessionError
from ..llm_seam import received
from ..llm_seam.output import door
from ..llm_seam.several import Asking, models_of, opened, parameters, piped, shared_options
from ..llm_seam.shape import check
from ..model import Session
from ..rules.comparisons import figures
from ..rules.names import check as check_name
from ..rules.safe_text import one_line, unbroken
from ..rules.voting import LETTERS
from ..services.bundle import Services
from ..services.several import AnswerFigures
from ..services.votes import VotedAnswer
from .common import as_json, complete, complete_group, echo
from .ranking_question import asked_ranking, keyboard
from .side_by_side import Screen, screen_for

OWN_OPTIONS = 7
"""How many options the command has besides those of `llm prompt`. They come first."""

_LEAST = 2
_MOST = 10
assert len(LETTERS) == _MOST  # each answer has a letter
"""How many models are compared at once."""


@dataclass
class _Reply:
    """A model's answer: where it is, its text, and what it took or why it failed."""

    letter: str
    model: str
    session: Session
    text: str = ""
    figures: AnswerFigures | None = None
    error: str = ""


@dataclass(frozen=True)
class _Comparison:
    """What is asked, and how the answers are shown."""

    services: Services
    asking: Asking
    options: dict[str, list[tuple[str, str]]]
    blind: bool
    quiet: bool
    replies: list[_Reply] = field(default_factory=list)


class _Command(click.Command):
    """The command, whose output goes through the same door as that of `llm sessions`."""

    def make_context(self, *arguments: Any, **extra: Any) -> click.Context:
        with door():
            return super().make_context(*arguments, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with door():
            return super().invoke(ctx)


def compare_command() -> click.Command:
    """Return the command, with the options of the installed llm's `llm prompt`."""
    check("sessions", "several")
    own = [
        click.Option(
            ["models", "-m", "--model"], multiple=True, metavar="MODEL", help="A model to ask; name two or more"
        ),
        click.Option(
            ["--session"],
            metavar="NAME",
            shell_complete=complete,
            help="Ask in forks of this session, so that each model has its history",
        ),
        click.Option(
            ["repeats", "-n", "--repeat"],
            type=click.IntRange(1, 100),
            default=1,
            metavar="N",
            help="Ask each model N times [1]",
        ),
        click.Option(["--blind"], is_flag=True, help="Show the models' names only after your vote, in random order"),
        click.Option(
            ["--group"],
            metavar="NAME",
            shell_complete=complete_group,
            help="Put the answers into this group, which is made if it is new [compare-DATE-N]",
        ),
        click.Option(["--no-vote"], is_flag=True, help="Don't ask which answer was better"),
        click.Option(["json_", "--json"], is_flag=True, help="Output the answers and their figures as JSON"),
    ]
    assert len(own) == OWN_OPTIONS
    return _Command("compare", params=[*own, *parameters()], callback=_compare, help=_compare.__doc__)


def _compare(
    models: tuple[str, ...],
    session: str | None,
    repeats: int,
    group: str | None,
    *,
    blind: bool,
    no_vote: bool,
    json_: bool,
    **given: Any,
) -> None:
    """Ask several models the same prompt, one after the other, and say which answer is the best.

    The answers are shown side by side on a terminal of 100 columns or more, else one below the other. Each is an
    exchange in a session of its own, and these sessions are a group, for llm sessions compare --group. On a terminal
    you are asked which answer was better; llm sessions votes adds your votes up.

    \b
        llm compare -m gpt-5.5 -m ollama/llama3 "Explain tides to a child"
        llm compare -m a -m b -m c --blind -n 3 -s "One sentence" "Why is the sky blue?"
        llm compare -m a -m b --session work "What is still open?"
        cat report.txt | llm compare -m a -m b --group reports "Summarise"
    """
    ctx = click.get_current_context()
    given = received.arguments(ctx.command, given)
    try:
        replies, name = _asked(ctx, models, session, group, repeats, given, blind=blind, votes=not no_vote, json_=json_)
    except SessionError as error:
        raise click.ClickException(unbroken(str(error))) from error
    database = given.get("database")
    where = ["-d", database] if database else []
    if json_:
        as_json({"group": name, "answers": [_fields(one) for one in replies]})
    elif name is not None:
        see = shlex.join(["llm", "sessions", "compare", "--group", name, "--by", "model", *where])
        echo(f"Group “{name}”. Figures: {see}", err=True)
    if any(one.error for one in replies):
        raise click.exceptions.Exit(1)


def _asked(
    ctx: click.Context,
    names: Sequence[str],
    session: str | None,
    group: str | None,
    repeats: int,
    given: dict[str, Any],
    *,
    blind: bool,
    votes: bool,
    json_: bool,
) -> tuple[list[_Reply], str | None]:
    """Ask, show and take votes, round by round. Return the answers and the group's name; None if nothing was asked."""
    if not _LEAST <= len(names) <= _MOST:
        raise click.UsageError(f"Name {_LEAST} to {_MOST} models: llm compare -m MODEL -m MODEL ...")
    models = models_of(names)
    options = shared_options(models, given["options"])
    if not json_:
        _say_left_out(options, given["options"])
    text = piped()
    if not (
        text or any(given[name] for name in ("prompt", "attachments", "attachment_types", "fragments", "template"))
    ):
        raise click.UsageError('Give a prompt: llm compare -m MODEL -m MODEL "..."')
    rounds = [_order(list(models), blind=blind) for _ in range(repeats)]
    labelled = [
        (model, letter if blind else model) for order in rounds for letter, model in zip(LETTERS, order, strict=False)
    ]
    kept = check_name(group, "group") if group is not None else None
    with opened(given.get("database")) as services:
        begun = services.several.begin(labelled, models, group=kept, session=session)
        one = _Comparison(services, Asking(ctx, given, text), options, blind, json_)
        sessions = iter(begun.sessions)
        is_there = True
        try:
            for number, order in enumerate(rounds, 1):
                if repeats > 1 and not json_:
                    click.secho(f"Round {number} of {repeats}", bold=True)
                replies = [_Reply(letter, model, next(sessions)) for letter, model in zip(LETTERS, order, strict=False)]
                _round(one, replies)
                if votes and not json_:
                    _vote(one, replies)
        finally:  # a mistake in the prompt, or Ctrl-C: what was never asked is nobody's session
            is_there = services.several.forget_unasked(begun)
    return one.replies, begun.group if is_there else None


def _order(models: list[str], *, blind: bool) -> list[str]:
    return random.sample(models, len(models)) if blind else models


def _say_left_out(options: dict[str, list[tuple[str, str]]], typed: Sequence[tuple[str, str]]) -> None:
    """Say which models are asked without an option that was typed, because they don't know it."""
    for name in dict.fromkeys(name for name, _ in typed):
        without = [model for model, given in options.items() if name not in dict(given)]
        if without:
            echo(f"Without the option “{name}”, which they don't have: {', '.join(without)}", err=True)


def _round(one: _Comparison, replies: Sequence[_Reply]) -> None:
    """Ask each model once, and show the answers."""
    heads = [reply.letter if one.blind else f"{reply.letter} · {one_line(reply.model)}" for reply in replies]
    screen = _Nothing() if one.quiet else screen_for(heads)
    try:
        with screen.aside():
            for place, reply in enumerate(replies):
                one.replies.append(reply)
                screen.begin(place)
                _ask(one, reply, _pieces(screen, place))
                screen.end(place, _below(reply, blind=one.blind))
    finally:
        screen.close()


def _pieces(screen: Screen, place: int) -> Callable[[str], None]:
    return lambda text: screen.piece(place, text)


def _ask(one: _Comparison, reply: _Reply, on_text: Callable[[str], None]) -> None:
    try:
        reply.text = one.asking.ask(reply.session, reply.model, one.options[reply.model], on_text)
        reply.figures = one.services.several.answer(reply.session)
    except click.ClickException as error:
        reply.error = one_line(error.format_message())
    except SessionError as error:
        reply.error = one_line(str(error))


def _below(reply: _Reply, *, blind: bool) -> str:
    """Return the line below an answer. Blind, it must not tell which model it was."""
    if reply.error:
        return f"Failed: {reply.error}"
    return "" if blind else _figures(reply)


def _figures(reply: _Reply) -> str:
    found = reply.figures
    if found is None:
        return ""
    return figures(found.input_tokens, found.output_tokens, found.seconds, found.dollars)


def _vote(one: _Comparison, replies: Sequence[_Reply]) -> None:
    """Ask which answer was better, on a terminal, and keep the votes."""
    answers = [(reply, reply.figures) for reply in replies if reply.figures is not None]
    order: tuple[tuple[int, ...], ...] = ()
    if len(answers) > 1 and sys.stdout.isatty():
        with keyboard() as there:
            order = asked_ranking(len(answers), [reply.letter for reply, _ in answers]) if there else ()
    if one.blind:
        for reply in replies:
            echo(f"{reply.letter} was {one_line(reply.model)}{''.join(f' · {part}' for part in _known(reply))}")
    if order:
        places = [VotedAnswer(found.thread_id, found.turn_id) for _, found in answers]
        one.services.votes.cast(places, order, blind=one.blind)
        best = [answers[place][0] for place in order[0]]
        if len(best) == 1:
            log = one.services.desk.typed
            words = ["llm", "--session", best[0].session.name, *(["-d", log] if log else [])]
            echo(f'Continue with {best[0].letter}: {shlex.join(words)} "..."', err=True)


def _known(reply: _Reply) -> Iterator[str]:
    said = _figures(reply)
    if said:
        yield said


def _fields(reply: _Reply) -> dict[str, Any]:
    found = reply.figures
    return {
        "model": reply.model,
        "session": reply.session.name,
        "text": reply.text,
        "input_tokens": found and found.input_tokens,
        "output_tokens": found and found.output_tokens,
        "seconds": found and found.seconds,
        "cost_usd": found and found.dollars,
        "error": reply.error or None,
    }


class _Nothing:
    """A screen that shows nothing."""

    def begin(self, place: int) -> None:
        """Show nothing."""

    def piece(self, place: int, text: str) -> None:
        """Show nothing."""

    def end(self, place: int, below: str) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Show nothing."""

    def aside(self) -> Any:
        """Messages are printed as they are."""
        import contextlib

        return contextlib.nullcontext()
