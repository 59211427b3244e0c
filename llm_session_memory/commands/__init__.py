"""`llm sessions …`: one module a family of commands, loaded when one of them is used.

A command parses, calls memory, prints. This module runs at every start of llm, so it imports nothing but click.
"""

from __future__ import annotations

import importlib

import click
from click_default_group import DefaultGroup

_FAMILIES = {
    "listing": ("list",),
    "reading": ("show", "context"),
    "changing": ("set", "rename", "name", "pin", "unpin"),
    "retrying": ("retry", "recover", "demo"),
    "summary": ("summary",),
    "notes": ("note", "tag"),
    "rating": ("rate", "bookmark"),
    "searching": ("search",),
    "files": ("export", "import"),
    "querying": ("query",),
    "stats": ("stats",),
    "browse": ("browse",),
    "replaying": ("replay",),
}


class _Lazy(DefaultGroup):
    """A group that imports a family of commands when one of them is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return [name for names in _FAMILIES.values() for name in names]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if ctx.resilient_parsing:  # a shell asks for completions: those of the group, not of its default command
            return click.Group.parse_args(self, ctx, args)
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed

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
    help="Named conversations: list, read, change, and see what a model would be sent.",
    short_help="List, read and change sessions (llm --session NAME)",
)
