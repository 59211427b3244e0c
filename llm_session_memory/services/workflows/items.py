"""The items of a run: one for each step, and one for each item of a list once that list is known."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ...model.jobs import Item
from ...model.workflows import Step, Workflow
from ...rules.workflows.order import levels

LIST = "list"
"""The kind of the item that stands for a whole step with for_each: it makes the others, and ends after them."""


def of_steps(workflow: Workflow, models: Mapping[str, str] | None = None) -> list[Item]:
    """Return the items of a workflow's steps, in an order in which they can run. They have no job's id yet.

    `models` has the ids of the models that are known, by step.
    """
    names = [name for level in levels(workflow.steps) for name in level]
    places = {name: number for number, name in enumerate(names, 1)}
    return [_of_step(workflow.steps[name], places, (models or {}).get(name)) for name in names]


def _of_step(step: Step, places: Mapping[str, int], model: str | None) -> Item:
    kind = step.kind if step.for_each is None else LIST
    return Item(
        "",
        places[step.name],
        key_of(step.name),
        _input(step),
        step.name,
        kind,
        model,
        tuple(sorted(places[need] for need in step.needs)),
    )


def _input(step: Step) -> dict[str, Any]:
    """Return what the log shows of a step: its prompt or command as the file has it."""
    told = {"prompt": step.prompt.text if step.prompt else None, "template": step.template, "shell": step.shell}
    return {"step": step.name, **{name: text for name, text in told.items() if text is not None}}


def of_list(step: Step, values: Sequence[Any], needs: tuple[int, ...], model: str | None) -> list[Item]:
    """Return the items of a step with for_each, which get the next positions of the job."""
    return [
        Item(
            "",
            0,
            key_of(step.name, number + 1),
            {**_input(step), "index": number + 1, "item": value},
            f"{step.name}[{number + 1}]",
            step.kind,
            model,
            needs,
        )
        for number, value in enumerate(values)
    ]


def key_of(step: str, index: int | None = None) -> str:
    """Return the key of an item. A run never changes its file, so the step's name and the number say what is asked."""
    return hashlib.sha256(json.dumps([step, index]).encode()).hexdigest()
