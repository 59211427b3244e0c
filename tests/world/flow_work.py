"""Run a workflow in a process of its own, to kill it: `python -m tests.world.flow_work ASKED SECONDS llm's arguments`.

The model `slow` is that of `job_work`: it appends each prompt to the file ASKED before it answers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import llm
from llm.plugins import pm

from tests.world.job_work import SlowModel


class SlowPlugin:
    """Registers the model with llm."""

    def __init__(self, asked: Path, seconds: float) -> None:
        self._model = SlowModel(asked, seconds)

    @llm.hookimpl
    def register_models(self, register: Callable[..., None]) -> None:
        """Register the model."""
        register(self._model)


def flow(steps: int, items: int) -> str:
    """Return a workflow: steps that each need up to two before them, and then one with so many items."""
    lines = ["model: slow", "steps:", "  s1: {prompt: s1}"]
    for number in range(2, steps):
        needs = sorted({number // 2, max(1, number - 7)})
        mentioned = " ".join(f"{{{{ steps.s{one}.text | length }}}}" for one in needs)
        lines.append(f'  s{number}: {{prompt: "s{number} {mentioned}"}}')
    lines.append(
        f"  each: {{for_each: {list(range(1, items + 1))}, needs: s{steps - 1}, prompt: 'each {{{{ item }}}}'}}"
    )
    lines.append('  last: {prompt: "last {{ steps.each.results | length }}"}')
    return "\n".join(lines)


def run(asked: Path, seconds: float, arguments: Sequence[str]) -> None:
    """Run llm with the model."""
    from llm.cli import cli

    pm.register(SlowPlugin(asked, seconds))
    cli(list(arguments))


if __name__ == "__main__":
    run(Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])
