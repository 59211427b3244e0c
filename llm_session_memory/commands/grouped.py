"""A command with commands below it, and one that runs if the first argument is none of them."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem
from click_default_group import DefaultGroup


class Grouped(DefaultGroup):
    """A group whose help has the options of its default command too: that is what a person types."""

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the usage of the default command, and that of the others."""
        usual = self._usual(ctx)
        formatter.write_usage(ctx.command_path, " ".join(usual.collect_usage_pieces(ctx)))
        formatter.write_usage(ctx.command_path, "COMMAND [ARGS]...", prefix="   or: ")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options of the default command, and the other commands."""
        click.Command.format_options(self._usual(ctx), ctx, formatter)
        shown = [
            (name, command.get_short_help_str(100))
            for name in self.list_commands(ctx)
            if name != self.default_cmd_name and (command := self.get_command(ctx, name)) is not None
        ]
        with formatter.section("Commands"):
            formatter.write_dl(shown)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the names of commands, and what the default command completes."""
        usual = self._usual(ctx)
        found: list[CompletionItem] = super().shell_complete(ctx, incomplete)
        if incomplete.startswith("-"):
            with click.Context(usual, parent=ctx, resilient_parsing=True) as below:
                return found + usual.shell_complete(below, incomplete)
        arguments = (param for param in usual.params if isinstance(param, click.Argument))
        return found + [item for param in arguments for item in param.shell_complete(ctx, incomplete)]

    def _usual(self, ctx: click.Context) -> click.Command:
        """Return the default command."""
        command: click.Command | None = click.Group.get_command(self, ctx, self.default_cmd_name)
        assert command is not None
        return command


class ListedOrShown(DefaultGroup):
    """A group of things: without arguments it runs its command `list`, and with the name of a thing, its default."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the command before the arguments that have none."""
        if not args and not ctx.resilient_parsing:
            args = ["list"]
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed
