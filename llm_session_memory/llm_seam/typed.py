"""Find out whether a parameter was typed, or came from the environment or a default."""

from __future__ import annotations

import click
from click.core import ParameterSource


def typed(name: str) -> bool:
    """Return whether a parameter was typed."""
    source = click.get_current_context().get_parameter_source(name)
    return source in (ParameterSource.COMMANDLINE, ParameterSource.PROMPT, None)
