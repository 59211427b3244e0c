"""gptme's logs: a folder for each conversation, with `conversation.jsonl`, `config.toml` and `branches/*.jsonl`. Pure.

The lines are those of `Message.to_dict` in its `message.py`. gptme puts the output of tools into system messages. Only
in its tool format “tool” do these name the call (`call_id`) that they answer, and the reply has it as
`@name(call_id): {...}`; otherwise the call is a block of code in the reply, which has no id.
"""

from __future__ import annotations

import json
import mimetypes
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from ...model import Attachment
from ..lines import FileRefused
from .gptme_messages import GptmeLog
from .source import SourceFile
from .transcripts import beginning, folder_name, records, some_files, text
from .values import ForeignConversation, ForeignExchange, Losses

_ROLES = ("system", "user", "assistant")
_SETTING = re.compile(r'^(name|model|workspace)\s*=\s*("(?:[^"\\]|\\.)*")\s*(?:#.*)?$', re.MULTILINE)
_STORED = re.compile(r"[0-9a-f]{16}")
_SUFFIX = re.compile(r"\.\w{1,10}")
_LARGEST_FILE = 64 << 20
_MAIN = "conversation.jsonl"


class Gptme:
    """Reads a conversation's file or folder, or the folder of all."""

    source = "gptme"
    title = "gptme's logs"
    may_repeat = True

    def recognises(self, source: SourceFile) -> bool:
        """Return whether a file's first line is a message as gptme writes it, or a folder has such files."""
        if source.is_folder:
            return any(_is_log(one.head) for one in some_files(source, _MAIN))
        return _is_log(source.head)

    def conversations(self, source: SourceFile, losses: Losses) -> Iterator[ForeignConversation]:
        """Read the conversations, each with its branches."""
        files = [*map(SourceFile, source.files(_MAIN))] if source.is_folder else [source]
        some = False
        for file in files:
            for conversation in _conversation(file, losses):
                some = True
                yield conversation
        if not some:
            raise FileRefused(f"There is no prompt in {source.name}.", "Import another file.")


def _is_log(head: bytes) -> bool:
    first = next(iter(beginning(head, 1)), None)
    if first is None:  # the first line is the system prompt, and may be longer than what is looked at
        return head.startswith(b'{"role": "system", "content": "') and b"\n" not in head
    return first.get("role") in _ROLES and isinstance(first.get("content"), str) and "timestamp" in first


def _conversation(source: SourceFile, losses: Losses) -> Iterator[ForeignConversation]:
    """Yield a conversation and its branches."""
    folder = source.path.parent
    settings = _settings(folder / "config.toml")
    key = folder.name if source.path.name == _MAIN else Path(source.name).stem
    log = _read(source, folder, losses)
    exchanges = [one.exchange(log.system, log.model) for one in log.told]
    if not exchanges:
        return
    workspace = settings.get("workspace", "")
    whole = ForeignConversation(
        key=key,
        exchanges=exchanges,
        name=settings.get("name") or key,
        created_utc=log.begun,
        model=log.model or settings.get("model"),
        project=folder_name(workspace),
        meta={"directory": workspace} if workspace else {},
    )
    yield whole
    ways = [exchanges]
    for path in SourceFile(folder / "branches").files("*.jsonl"):
        branch = _read(SourceFile(path), folder, losses)
        way = [one.exchange(branch.system, branch.model) for one in branch.told]
        made = _branch(whole, ways, way, path.stem)
        if made is not None:
            yield made
            ways.append([*way[: -len([*made.exchanges])], *made.exchanges])


def _read(source: SourceFile, folder: Path, losses: Losses) -> GptmeLog:
    def stored(path: str, hashed: str) -> Attachment | None:
        return _stored(folder / "files", path, hashed)

    log = GptmeLog(stored, losses)
    for place, message in records(source, losses):
        log.add(message, place)
    return log


def _branch(
    whole: ForeignConversation, ways: list[list[ForeignExchange]], way: list[ForeignExchange], name: str
) -> ForeignConversation | None:
    """Return what a branch has that no other way has, or None if it has nothing.

    An exchange that was answered again has the time of its prompt as before, so it gets another key.
    """
    common = max(_common(other, way) for other in ways)
    if common == len(way):
        return None
    taken = {one.key for other in ways for one in other}
    own = [replace(one, key=f"{one.key} {name}") if one.key in taken else one for one in way[common:]]
    return replace(
        whole,
        key=f"{whole.key} {name}",
        exchanges=own,
        created_utc=own[0].turns[0].datetime_utc,
        forked_from=(whole.key or "", way[common - 1].key if common else None),
    )


def _common(one: list[ForeignExchange], other: list[ForeignExchange]) -> int:
    """Return how many exchanges two ways have in common at their beginning."""
    count = 0
    for first, second in zip(one, other, strict=False):
        if [turn.output for turn in first.turns] != [turn.output for turn in second.turns] or _time(first) != _time(
            second
        ):
            break
        count += 1
    return count


def _time(exchange: ForeignExchange) -> str:
    return (exchange.key or "").partition(" ")[0]


def _settings(path: Path) -> Mapping[str, str]:
    """Return the name, the model and the folder in a conversation's `config.toml`, as far as they are there."""
    try:
        with path.open(encoding="utf-8") as stream:
            content = stream.read(1 << 20)
        return {name: text(json.loads(value)) for name, value in _SETTING.findall(content)}
    except (OSError, ValueError):
        return {}


def _stored(folder: Path, path: str, hashed: str) -> Attachment | None:
    """Return a file that gptme stored with the conversation by its hash, or None."""
    suffix = Path(path).suffix
    if not _STORED.fullmatch(hashed) or (suffix and not _SUFFIX.fullmatch(suffix)):
        return None
    stored = folder / f"{hashed}{suffix}"
    try:
        if stored.is_symlink() or not stored.is_file() or stored.stat().st_size > _LARGEST_FILE:
            return None
        content = stored.read_bytes()
    except OSError:
        return None
    return Attachment("", mimetypes.guess_type(path)[0] or "application/octet-stream", content=content)


FORMAT = Gptme()
