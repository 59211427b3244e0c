"""Items of a batch that other machines ask: what they send goes with them, and nothing is looked up there.

Whoever can write to the database that they come from could otherwise name a file of the machine that asks, or a
fragment that a plugin loads. So fragments and attachments are read where the job is made, and items have their content.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import llm
from llm import models

from ..errors import SessionError
from ..model.jobs import Item, Job
from ..rules.sizes import in_words
from ..services.bundle import Services
from .asking import Question
from .batch_runner import Asker, attachment, resolved

if TYPE_CHECKING:
    from .working import Also

RELIED_ON = {
    "llm": "Attachment Fragment",
    "models": "_combine_system",
    "an instance of llm.Attachment": "content_bytes resolve_type",
}
"""The parts of llm that this module relies on (see `shape`)."""

LARGEST = 20_000_000
"""How many bytes the attachments of an item may have together."""

_NAMES = ("fragments", "system_fragments", "attachments")


def settings_of(services: Services, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what holds for all items, with the content of its fragments and attachments instead of their names.

    Raises SessionError if one can't be read.
    """
    found = _with_content(services, settings)
    extra = resolved(services, settings.get("system_fragments") or ())
    return found | {"system_texts": [str(one) for one in extra]} if extra else found


def items_of(services: Services, items: Iterable[Item]) -> Iterator[Item]:
    """Yield items with the content of their fragments and attachments instead of names. Raises SessionError."""
    for item in items:
        if any(item.input.get(name) for name in _NAMES):
            yield replace(item, input=_with_content(services, item.input))
        else:
            yield item


def _with_content(services: Services, given: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in given.items() if name not in _NAMES}
    parts = resolved(services, given.get("fragments") or (), attachments=True)
    texts = [one for one in parts if isinstance(one, llm.Fragment)]
    files = [*map(attachment, given.get("attachments") or ())]
    files += [one for one in parts if isinstance(one, llm.Attachment)]
    if texts:
        found["texts"] = [{"text": str(one), "source": one.source or ""} for one in texts]
    if files:
        found["files"] = [*map(_file, files)]
        size = sum(len(one["content"]) for one in found["files"]) * 3 // 4
        if size > LARGEST:
            most = in_words(LARGEST)
            raise SessionError(f"The attachments of a prompt have {in_words(size)}.", f"At most {most} can be sent on.")
    return found


def _file(one: llm.Attachment) -> dict[str, str]:
    """Return the content of an attachment, which is fetched if it is on the web."""
    try:
        return {"type": one.resolve_type() or "", "content": base64.b64encode(one.content_bytes()).decode("ascii")}
    except Exception as error:
        place = one.path or one.url
        raise SessionError(f"Attachment “{place}” can't be read: {str(error).rstrip('.')}.") from error


class HandedOn(Asker):
    """Asks items that came from another machine. Anything in them may be of the wrong type."""

    def __init__(self, job: Job, tools: Iterable[str] = ()) -> None:
        """`tools` are the names of those that may be run here."""
        super().__init__(job)
        self._tools = frozenset(tools)

    def _check(self) -> None:
        """Check nothing: a worker takes only items whose own model it has."""

    def __call__(self, services: Services, item: Item, also: Also) -> None:
        """Ask an item (see `working.Runner`), in this thread even if its model is asynchronous."""
        if self._job.settings.get("async"):
            asyncio.run(self.ask_async(services, item, also))
        else:
            self.ask(services, item, also)

    def question(self, services: Services, item: Item) -> Question:
        """Return the question of an item, from what came with it alone. Raises SessionError if it can't be read."""
        del services
        given, shared = item.input, self._job.settings
        if any(one.get(name) for one in (given, shared) for name in _NAMES):
            raise SessionError("The item names files or fragments, which are not read for other machines.")
        tools = _list(shared, "tools", str)
        if unknown := [one for one in tools if one not in self._tools]:
            raise SessionError(f"The tool “{unknown[0]}” is not allowed here.", "Allow tools with -T.")
        system = _text(given, "system") or _text(shared, "system")
        if extra := _list(shared, "system_texts", str):
            system = models._combine_system(system, extra)  # noqa: SLF001
        return Question(
            prompt=str(given.get("prompt") or ""),
            system=system,
            fragments=[_fragment(one) for place in (shared, given) for one in _list(place, "texts", dict)],
            attachments=[_attachment(one) for place in (shared, given) for one in _list(place, "files", dict)],
            options=_object(given, "options") or _object(shared, "options") or {},
            schema=_object(given, "schema") or _object(shared, "schema"),
            tools=tools,
            context="none",
        )


def _fragment(one: Mapping[str, Any]) -> llm.Fragment:
    return llm.Fragment(str(one.get("text") or ""), str(one.get("source") or ""))


def _attachment(one: Mapping[str, Any]) -> llm.Attachment:
    try:
        content = base64.b64decode(str(one.get("content") or ""), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SessionError("An attachment of the item can't be read.") from error
    if not content:
        raise SessionError("An attachment of the item is empty.")
    return llm.Attachment(type=str(one.get("type") or "") or None, content=content)


def _text(given: Mapping[str, Any], name: str) -> str | None:
    found = given.get(name)
    if found is not None and not isinstance(found, str):
        raise SessionError(f"The item can't be read: its {name} is not text.")
    return found or None


def _object(given: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    found = given.get(name)
    if found is not None and not isinstance(found, dict):
        raise SessionError(f"The item can't be read: its {name} is not a JSON object.")
    return found or None


def _list(given: Mapping[str, Any], name: str, kind: type) -> list[Any]:
    found = given.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, kind) for one in found):
        raise SessionError(f"The item can't be read: its {name} are of another type.")
    return found
