"""The order of a workflow's steps: what each needs, and that no step needs itself. Pure."""

from __future__ import annotations

import graphlib
from collections.abc import Mapping

from ...model.workflows import Step
from ..names import near
from .nodes import Mistake


def unknown(steps: Mapping[str, Step]) -> list[Mistake]:
    """Return the needs that are not steps of the file."""
    found = []
    for step in steps.values():
        for need in step.needs:
            if need not in steps:
                alike = near(need, steps)
                hint = f"Did you mean “{alike}”?" if alike else f"The steps are: {', '.join(steps)}."
                message = f"Step “{step.name}” needs “{need}”, but there is no such step."
                found.append(Mistake(message, hint, step.line))
    return found


def cycle(steps: Mapping[str, Step]) -> Mistake | None:
    """Return the mistake if steps need each other in a circle."""
    try:
        graphlib.TopologicalSorter({name: step.needs for name, step in steps.items()}).prepare()
    except graphlib.CycleError as error:
        circle: list[str] = error.args[1][::-1]  # it names each step before the one that needs it
        if len(circle) == 2:  # noqa: PLR2004  the step, and itself again
            return Mistake(f"Step “{circle[0]}” needs itself.", "Leave it out.", steps[circle[0]].line)
        told = " needs ".join(f"“{name}”" for name in circle)
        return Mistake(
            f"These steps wait for each other: {told}.", "Remove one of these dependencies.", steps[circle[0]].line
        )
    return None


def levels(steps: Mapping[str, Step]) -> list[list[str]]:
    """Return the steps' names by level: the steps of one level need only those of levels before it.

    Within a level, they are in the order of the file.
    """
    sorter = graphlib.TopologicalSorter({name: step.needs for name, step in steps.items()})
    sorter.prepare()
    place = {name: number for number, name in enumerate(steps)}
    found = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=place.__getitem__)
        sorter.done(*ready)
        found.append(ready)
    return found


def last(steps: Mapping[str, Step]) -> list[str]:
    """Return the names of the steps that no other step needs, in the order of the file."""
    needed = {need for step in steps.values() for need in step.needs}
    return [name for name in steps if name not in needed]
