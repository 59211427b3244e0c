"""`llm sessions …`: one module per family of commands, imported when one of its commands is used.

A command parses, calls memory and prints. This module runs every time llm starts, so it imports only click.
"""

from __future__ import annotations

import importlib
from typing import Any

import click
from click_default_group import DefaultGroup

_FAMILIES = {
    "listing": ("list",),
    "reading": ("show", "context"),
    "changing": ("set", "rename", "name", "pin", "unpin"),
    "archiving": ("archive", "unarchive"),
    "projects": ("project",),
    "snapshots": ("snapshot", "snapshots", "restore"),
    "undoing": ("undo", "redo"),
    "forking": ("fork",),
    "retrying": ("retry", "recover", "demo"),
    "rerunning": ("rerun",),
    "attempts": ("attempts",),
    "summary": ("summary",),
    "titles": ("title",),
    "notes": ("note", "tag"),
    "remembering": ("memory",),
    "rating": ("rate", "bookmark"),
    "voting": ("votes",),
    "batching": ("batch",),
    "jobs": ("jobs", "job"),
    "distributed": ("worker",),
    "comparing_sessions": ("compare",),
    "searching": ("search",),
    "indexing": ("index",),
    "retaining": ("retention",),
    "checking": ("check",),
    "salvaging": ("salvage",),
    "deleting": ("delete", "purge"),
    "secrets": ("secrets",),
    "files": ("export",),
    "importing": ("import",),
    "backing_up": ("backup",),
    "maintaining": ("maintenance", "migrations", "migrate"),
    "sealing": ("seal", "unseal"),
    "merging": ("merge", "conflicts"),
    "remotes": ("remote",),
    "syncing": ("sync", "push", "pull", "status"),
    "running": ("run",),
    "querying": ("query",),
    "stats": ("stats",),
    "browse": ("browse",),
    "replaying": ("replay",),
}


class _Lazy(DefaultGroup):
    """A group that imports a family of commands when one of its commands is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return [name for names in _FAMILIES.values() for name in names]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if ctx.resilient_parsing:  # for completions in the shell: complete the group, not its default command
            return click.Group.parse_args(self, ctx, args)
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        from ..llm_seam.output import door

        with door():  # --help prints while the arguments are read
            made: click.Context = super().make_context(info_name, args, parent, **extra)
            return made

    def invoke(self, ctx: click.Context) -> Any:
        from ..llm_seam.output import door

        with door():
            return super().invoke(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for family, names in _FAMILIES.items():
            if cmd_name in names:
                module = importlib.import_module(f".{family}", __package__)
                command: click.Command = getattr(module, f"{cmd_name}_command")
                return command
        if not cmd_name.startswith("-"):
            return None
        ctx.arg0 = cmd_name  # type: ignore[attr-defined]  # DefaultGroup puts it back before the default command's arguments
        return self.get_command(ctx, self.default_cmd_name)


sessions = _Lazy(
    name="sessions",
    default="list",
    default_if_no_args=True,
    help="List, read and change named conversations, and see what would be sent to the model.",
    short_help="List, read and change sessions (llm --session NAME)",
)


class _Later(click.Command):
    """A command that is made when it is used, or its help is printed."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        from .several import compare_command

        return compare_command().make_context(info_name, args, parent, **extra)


compare = _Later("compare", short_help="Ask several models the same prompt, and vote for the best answer")
"""`llm compare`. Its options are those of the installed llm's `llm prompt`, so they are read when it is used."""
