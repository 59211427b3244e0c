"""Codex's transcripts (“rollouts”): `~/.codex/sessions/YEAR/MONTH/DAY/rollout-TIME-ID.jsonl`. Pure.

Each line has a `type` and a `payload`. Lines of the type `response_item` are what the model was sent and said, in the
form of OpenAI's Responses API; most lines of the type `event_msg` say the same for the screen. Lines of before
September 2025 are response items without a type and payload around them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from ..lines import FileRefused
from . import telling
from .codex_items import ITEMS, Rollout
from .source import SourceFile
from .transcripts import beginning, folder_name, mapping, records, some_files, text
from .values import ForeignConversation, Losses

_KINDS = frozenset("session_meta response_item event_msg turn_context compacted".split())


class Codex:
    """Reads a transcript, or a folder of them."""

    source = "codex"
    title = "Codex's transcripts"
    may_repeat = True

    def recognises(self, source: SourceFile) -> bool:
        """Return whether a file begins as Codex's transcripts do, or a folder has such a file."""
        if source.is_folder:
            return any(_is_rollout(one.head) for one in some_files(source, "*.jsonl"))
        return _is_rollout(source.head)

    def conversations(self, source: SourceFile, losses: Losses) -> Iterator[ForeignConversation]:
        """Read the sessions, oldest first, each with what was rolled back in it as a branch."""
        some = False
        for path in source.files("*.jsonl.zst"):
            losses.add("a transcript that Codex compressed (unpack it with: unzstd FILE)", path.name)
        seen: dict[str, str] = {}
        for file in map(SourceFile, source.files("*.jsonl")) if source.is_folder else [source]:
            if source.is_folder and not _is_rollout(file.head):
                losses.add("a file that is not a transcript", file.name)
                continue
            for conversation in _session(file, losses, seen):
                some = True
                yield conversation
        if not some:
            raise FileRefused(f"There is no prompt in {source.name}.", "Import another file.")


def _is_rollout(head: bytes) -> bool:
    found = beginning(head, 4)
    if not found:  # the first line has the instructions, and may be longer than what is looked at
        return (
            re.match(rb'\{"timestamp":"[^"]*",(?:"ordinal":\d+,)?"type":"session_meta","payload":\{', head) is not None
        )
    first = found[0]
    if text(first.get("type")) in _KINDS:
        return isinstance(first.get("payload"), dict)
    old = {"id", "timestamp"} <= first.keys() <= {"id", "timestamp", "instructions", "git"}
    return old and all(text(one.get("type")) in ITEMS or "record_type" in one for one in islice(found, 1, None))


def _session(source: SourceFile, losses: Losses, seen: dict[str, str]) -> Iterator[ForeignConversation]:
    """Yield the session of a file and its branches.

    `seen` has the key of the session of each turn that was read so far: a session that was forked from another one
    begins with its turns.
    """
    # Which message is a prompt is said by an event that may come after it.
    rollout = Rollout(losses)
    lines = [*records(source, losses)]
    prompts = {
        text(payload.get("message")).strip()
        for _, line in lines
        if (payload := mapping(line.get("payload"))).get("type") == "user_message"
    }
    rollout.prompts = prompts - {""}
    for place, line in lines:
        rollout.add(line, place)
    if not rollout.told:
        return
    whole = _conversation(rollout, source)
    assert whole.key is not None
    for one in telling.conversations(whole, rollout.told, source.name, losses, rollout.system):
        yield from telling.unshared(one, whole.key, seen, {whole.key, *rollout.others})


def _conversation(rollout: Rollout, file: SourceFile) -> ForeignConversation:
    facts, git = rollout.facts, mapping(rollout.facts.get("git"))
    source = facts.get("source")
    is_part = "subagent" in mapping(source) or bool(facts.get("agent_role")) or facts.get("thread_source") == "subagent"
    meta = {
        "directory": text(facts.get("cwd")),
        "branch": text(git.get("branch")),
        "commit": text(git.get("commit_hash")),
        "repository": text(git.get("repository_url")),
        "version": text(facts.get("cli_version")),
        "from": text(facts.get("forked_from_id")) or text(facts.get("parent_thread_id")),
    }
    return ForeignConversation(
        key=text(facts.get("id")) or text(facts.get("session_id")) or Path(file.name).stem,
        exchanges=(),
        name=None,
        created_utc=text(facts.get("timestamp")) or rollout.told[0].at,
        model=rollout.model,
        project=folder_name(meta["directory"]),
        tags=("subagent",) if is_part else (),
        meta={name: value for name, value in meta.items() if value},
        archived=is_part,
    )


FORMAT = Codex()
