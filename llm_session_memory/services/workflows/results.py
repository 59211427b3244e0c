"""What the steps of a run have given so far, for templates: read from the log when a template uses it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import SessionError
from ...model.jobs import Item, Job
from ...model.workflows import Step, Workflow
from ...store import history
from ..desk import Desk
from ..jobs import Jobs

_FENCE = "```"

_ENDED = ("done", "failed", "skipped", "cancelled")


class StepResult(dict[str, Any]):
    """What one step has given. As a text it is its answer."""

    def __str__(self) -> str:
        return str(self["text"])


class StepResults(Mapping[str, StepResult]):
    """The results of a run's steps by name.

    A step that has ended keeps its result, so `kept` is shared by all templates of a run, in all threads. `places` has
    the position of each step's item.
    """

    def __init__(
        self, desk: Desk, job: Job, workflow: Workflow, places: Mapping[str, int], kept: dict[str, StepResult]
    ) -> None:
        self._desk, self._job, self._workflow = desk, job, workflow
        self._jobs = Jobs(desk)
        self._kept, self._places = kept, places

    def __iter__(self) -> Iterator[str]:
        return iter(self._workflow.steps)

    def __len__(self) -> int:
        return len(self._workflow.steps)

    def __contains__(self, name: object) -> bool:
        return name in self._workflow.steps

    def __getitem__(self, name: str) -> StepResult:
        if name not in self._kept:
            step = self._workflow.steps[name]
            item = self.item(name)
            made = self._of_list(step, item) if step.for_each is not None else self._of_item(step, item)
            if item is None or item.state not in _ENDED or not made["text"]:
                return made
            self._kept[name] = made
        return self._kept[name]

    def item(self, name: str) -> Item | None:
        """Return the item that stands for a step."""
        return self._jobs.item(self._job, self._places[name])

    def broken(self, name: str) -> Item | None:
        """Return the item because of which a step has no result: its own if it failed, or one that it needs.

        A step that was skipped because its condition doesn't hold is not broken. Neither is one whose failure the
        workflow ignores (`on_error: continue`).
        """
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            step = self._workflow.steps[waiting.pop()]
            item = self.item(step.name)
            state = item.state if item else "cancelled"
            if item and (state == "cancelled" or (state == "failed" and step.on_error != "continue")):
                return item
            if state == "skipped":
                waiting += [need for need in step.needs if need not in seen]
                seen.update(step.needs)
        return None

    def children(self, name: str) -> Iterator[Item]:
        """Yield the items of a step with for_each, in order."""
        first = len(self._workflow.steps)
        return (one for one in self._jobs.items(self._job, after=first) if one.input.get("step") == name)

    def _of_list(self, step: Step, whole: Item | None) -> StepResult:
        """Return the result of a step with for_each: those of its items, and their texts and values together."""
        found = [self._of_item(step, one) for one in self.children(step.name)]
        good = [one for one in found if not one["failed"] and not one["skipped"]]
        made = self._of_item(step, whole)
        made.update(
            text="\n\n".join(one["text"] for one in good), json=[one["json"] for one in good], results=tuple(found)
        )
        return made

    def _of_item(self, step: Step, item: Item | None) -> StepResult:
        state = item.state if item else "cancelled"
        text = self._text(step, item) if item else ""
        found = StepResult(
            text=text,
            json=value_of(text) if step.schema is not None or step.kind == "shell" else None,
            error=(item.error if item and state == "failed" else None) or "",
            failed=state == "failed",
            skipped=state in ("skipped", "cancelled"),
            model=item.model if item else None,
        )
        if item is not None and "index" in item.input:
            found.update(index=item.input["index"], item=item.input.get("item"))
        return found

    def _text(self, step: Step, item: Item) -> str:
        """Return the answer of an item. Raises SessionError if it was deleted."""
        if item.state != "done" or item.kind == "list":
            return ""
        if item.turn_id is None:
            return str(item.output) if item.output is not None else ""
        ids: tuple[str, ...] = (item.turn_id,)
        if step.tools or step.template:  # the answer may have several calls
            for exchange in history.every_exchange(self._desk.log, item.thread_id or ""):
                if exchange[0] == item.turn_id:
                    ids = tuple(exchange)
        found = history.exchanges(self._desk.log, [(1, ids)], with_content=False)
        if not found:
            raise SessionError(f"The answer of step “{item.id}” was deleted from the log.", "Start the workflow again.")
        return "\n".join(one.text for one in found[0].turns[-1].output if one.text)


def value_of(text: str) -> Any:
    """Return the value of a JSON text, or None if it isn't JSON. Models may put it between fences."""
    text = text.strip()
    if text.startswith(_FENCE) and text.endswith(_FENCE):
        text = text.partition("\n")[2].removesuffix(_FENCE)
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
