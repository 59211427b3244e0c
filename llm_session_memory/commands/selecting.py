"""Which sessions a command is about: one name, several, or all that match the filters of `llm sessions list`.

The filters are defined here once, for `list` and for every command that takes `--all-matching`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import click

from ..errors import NoSuchSession
from ..llm_seam.models import called
from ..memory import Memory
from ..model import Filters, Session
from ..rules import dates
from ..rules.names import NO_PROJECT
from ..rules.words import counted
from .common import COMPLETING, F, complete, complete_archived, rated_option

_OWN = "only_"
"""What the parameters of filters begin with, so that a command may have parameters of the same names."""

_FILTERS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "tag": ((), {"multiple": True, "metavar": "TAG", "help": "with this tag (repeat to require several)"}),
    "meta": ((), {"multiple": True, "metavar": "KEY=VALUE", "help": "with this fact (KEY alone: any value)"}),
    "model": (("-m",), {"help": "with this model"}),
    "project": ((), {"metavar": "NAME", "help": f"in this project ({NO_PROJECT}: in no project)"}),
    "template": ((), {"metavar": "NAME", "help": "created from this llm template"}),
    "since": ((), {"metavar": "DATE", "help": "last used on or after this day or ISO time"}),
    "until": ((), {"metavar": "DATE", "help": "last used on or before this day, or before this ISO time"}),
}
"""Each filter's short flags and its option, apart from the ratings. Help is “Only sessions …”."""


_ARCHIVE = {"all": "Archived sessions too", "archived": "Only archived sessions"}
"""The flags about archived sessions, which are otherwise left out."""


def filter_options(apart: Collection[str] = ()) -> Callable[[F], F]:
    """Return a decorator that adds the filters of `list`, and hands them over as `filters: Filters`.

    `apart` names the filters whose options the command has for something else: these are called `--with-NAME`.
    """

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def filtered(*args: Any, **parameters: Any) -> Any:
            asked = {name: parameters.pop(_OWN + name) for name in (*_FILTERS, "rated", *_ARCHIVE)}
            return function(*args, **parameters, filters=_filters(asked))

        decorated: Any = rated_option("Only sessions with an exchange rated", "without ratings", _OWN + "rated")(
            filtered
        )
        for name, told in _ARCHIVE.items():
            decorated = click.option(f"--{name}", _OWN + name, is_flag=True, help=told)(decorated)
        for name, (short, option) in reversed(_FILTERS.items()):
            flags = [f"--with-{name}"] if name in apart else [*short, f"--{name}"]
            about = {**option, "help": f"Only sessions {option['help']}", "shell_complete": COMPLETING.get(name)}
            decorated = click.option(*flags, _OWN + name, **about)(decorated)
        return decorated  # type: ignore[no-any-return]

    return decorate


def _filters(asked: Mapping[str, Any]) -> Filters:
    """Return what was asked for. Raises SessionError if a date can't be read."""
    return Filters(
        tags=asked["tag"],
        meta=dict(map(_fact, asked["meta"])),
        model=asked["model"],
        called=called(asked["model"]),
        since=dates.since(asked["since"]) if asked["since"] else None,
        until=dates.until(asked["until"]) if asked["until"] else None,
        rated=asked["rated"],
        project=asked["project"],
        template=asked["template"],
        archived=True if asked["archived"] else None if asked["all"] else False,
    )


def is_narrowed(filters: Filters) -> bool:
    """Return whether a filter was given. That archived sessions are left out, or not, doesn't count."""
    return replace(filters, archived=filters.archived or None) != Filters()


def _fact(text: str) -> tuple[str, str | None]:
    key, equals, value = text.partition("=")
    return key, value if equals else None


def typed(ctx: click.Context) -> Iterator[str]:
    """Yield the filters of a command as they were typed, to repeat them."""
    for name in (*_FILTERS, "rated"):
        value = ctx.params[_OWN + name]
        for one in value if isinstance(value, tuple) else [value] if value else []:
            yield from (f"--{name}", one)
    yield from (f"--{name}" for name in _ARCHIVE if ctx.params[_OWN + name])


# -- several sessions --------------------------------------------------------


@dataclass(frozen=True)
class Selection:
    """The sessions that a command is about: those with the names, or, if `filters` is set, all that match."""

    names: tuple[str, ...] = ()
    filters: Filters | None = None

    @property
    def several(self) -> bool:
        """Whether more than one session may be meant."""
        return self.filters is not None or len(self.names) > 1

    def sessions(self, memory: Memory) -> list[Session]:
        """Return the sessions, each once. Raises NoSuchSession if a name is unknown or if no session matches."""
        if self.filters is None:
            found = [memory.sessions.get(name) for name in self.names]
            return [*{session.thread_id: session for session in found}.values()]
        matching = [*memory.sessions.matching(self.filters)]
        if not matching:
            raise NoSuchSession("No session matches.", f"List sessions with: {memory.desk.command()}")
        return matching


def matching_options(apart: Collection[str] = ()) -> Callable[[F], F]:
    """Return a decorator that adds `--all-matching` with the filters of `list`; the command gets `matching`.

    `matching` is what `selection` takes: the filters, or None without `--all-matching`. A filter without
    `--all-matching`, or `--all-matching` without a filter, is an error. `apart` is as for `filter_options`.
    """

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def chosen(*args: Any, all_matching: bool, filters: Filters, **parameters: Any) -> Any:
            narrowed = any(typed(click.get_current_context()))
            if narrowed and not all_matching:
                raise click.UsageError("Filters choose sessions only together with --all-matching.")
            if all_matching and not narrowed:
                raise click.UsageError("--all-matching needs a filter, such as --tag TAG. For all sessions, add --all.")
            return function(*args, matching=filters if all_matching else None, **parameters)

        both = filter_options(apart)(chosen)
        flag = "--all-matching"
        what = "All sessions that match the filters below, which are those of: llm sessions list"
        decorated: F = click.option(flag, is_flag=True, help=what)(both)  # type: ignore[assignment]
        return decorated

    return decorate


def names_argument(*, archived: bool = False) -> Callable[[F], F]:
    """Return a decorator for an argument of session names. Tab completes archived ones, or all others."""
    completing = complete_archived if archived else complete
    decorate: Callable[[F], F] = click.argument("names", nargs=-1, metavar="NAME...", shell_complete=completing)
    return decorate


def dry_run_option(what: str = "Only print what would change; change nothing") -> Callable[[F], F]:
    """Return a decorator for `--dry-run`."""
    decorate: Callable[[F], F] = click.option("--dry-run", is_flag=True, help=what)
    return decorate


def selection(names: tuple[str, ...], matching: Filters | None) -> Selection:
    """Return the sessions that a person chose. Raises UsageError unless there are either names or filters."""
    if names and matching is not None:
        raise click.UsageError("Give names, or --all-matching with filters, not both.")
    if not names and matching is None:
        raise click.UsageError("Which sessions? Give their names, or --all-matching with filters.")
    return Selection(names, matching)


def summed_up(changed: int, total: int, *, dry_run: bool) -> str:
    """Return the last line of a command that changed several sessions."""
    of = counted(total, "session") if changed == total else f"{changed:,} of {counted(total, 'session')}"
    return f"Dry run: {of} would change. Nothing was changed." if dry_run else f"Changed {of}."


@contextmanager
def one_transaction(memory: Memory, *, dry_run: bool) -> Iterator[None]:
    """Hold one transaction for all changes. A dry run takes them back at the end, so that it can print them."""
    memory.desk.prepare()  # migrations have transactions of their own
    with suppress(_TakenBack), memory.writing():
        yield
        if dry_run:
            raise _TakenBack


class _TakenBack(Exception):
    """Rolls back a dry run."""
