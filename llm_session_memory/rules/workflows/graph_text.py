"""A workflow's graph as lines of text: its inputs, and its steps level by level. Pure."""

from __future__ import annotations

import json

from ...model.workflows import Input, Step, TemplateSource, Workflow
from ..words import counted
from .order import levels


def shown(workflow: Workflow) -> list[str]:
    """Return the lines. Steps with the same number don't need each other, so they run at the same time."""
    about = f": {' '.join(workflow.description.split())}" if workflow.description else ""
    lines = [f"{workflow.name}{about}"]
    if workflow.inputs:
        width = max(map(len, workflow.inputs))
        lines += ["", "Inputs"]
        lines += [f"  {name.ljust(width)}  {_input(one)}" for name, one in workflow.inputs.items()]
    lines += ["", f"{counted(len(workflow.steps), 'step')}"]
    width = max(map(len, workflow.steps))
    for number, names in enumerate(levels(workflow.steps), 1):
        for place, name in enumerate(names):
            sign = str(number) if place == 0 else ""
            lines.append(f"  {sign:>2}  {name.ljust(width)}  {_step(workflow.steps[name])}")
    return lines


def _input(one: Input) -> str:
    given = one.default if isinstance(one.default, str) else json.dumps(one.default, ensure_ascii=False)
    default = "must be given" if one.default is None else f"default: {_short(given)}"
    about = f"; {' '.join(one.description.split())}" if one.description else ""
    return f"{one.type}, {default}{about}"


def _step(step: Step) -> str:
    """Return what a step does, when, and after which others."""
    does = [f"command: {_short(step.shell)}" if step.shell is not None else "prompt"]
    if step.template:
        does.append(f"template {step.template}")
    if step.model and step.kind == "prompt":
        does.append(f"model {_short(step.model.text)}")
    if step.schema is not None:
        does.append("answers in JSON")
    if step.session:
        does.append(f"in session {_short(step.session.text)}")
    if step.for_each is not None:
        over = (
            _short(step.for_each.text)
            if isinstance(step.for_each, TemplateSource)
            else counted(len(step.for_each), "value")
        )
        does.append(f"for each of {over}")
    if step.when:
        does.append(f"if {_short(step.when.text)}")
    if step.on_error != "stop":
        does.append({"skip": "if it fails, skip what needs it", "continue": "if it fails, continue"}[step.on_error])
    if step.needs:
        does.append(f"after {', '.join(step.needs)}")
    return "; ".join(does)


def _short(text: str) -> str:
    """Return a text on one line, with its end cut off if it is long."""
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:59]}…"  # noqa: PLR2004  the width that is left
