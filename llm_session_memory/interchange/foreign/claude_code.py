"""Claude Code's transcripts: `~/.claude/projects/FOLDER/SESSION.jsonl`. Pure.

Subagents have transcripts of their own: `agent-ID.jsonl` beside the session's, or in `SESSION/subagents/`. In old
versions their records are among the session's, with `isSidechain`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from ..lines import FileRefused
from . import telling
from .claude_records import KINDS, TITLES, ClaudeSession, Facts
from .source import SourceFile
from .transcripts import beginning, folder_name, records, some_files, text
from .values import ForeignConversation, Losses

_OTHERS = frozenset(
    "system file-history-snapshot queue-operation progress attachment mode permission-mode agent-name "
    "last-prompt".split()
)
"""Kinds of records with which a transcript may begin, besides messages and titles."""

_LONG = re.compile(
    rb'\{(?=.{0,900}?"type":"(?:user|assistant)")(?=.{0,900}?"message":\{")[^\n]{,900}?"(?:parentUuid|sessionId)":'
)
"""How a long record begins."""


class ClaudeCode:
    """Reads a transcript, or a folder of them."""

    source = "claude-code"
    title = "Claude Code's transcripts"
    may_repeat = True

    def recognises(self, source: SourceFile) -> bool:
        """Return whether a file has records of Claude Code, or a folder such files."""
        if source.is_folder:
            return any(_is_transcript(one.head) for one in some_files(source, "*.jsonl"))
        return _is_transcript(source.head)

    def conversations(self, source: SourceFile, losses: Losses) -> Iterator[ForeignConversation]:
        """Read the sessions of a file or a folder, each with its branches, and its subagents."""
        inside = source.path.with_suffix("") / "subagents"
        files = [source, *map(SourceFile, SourceFile(inside).files("agent-*.jsonl"))]
        if source.is_folder:
            # A session that was resumed in another file comes after it.
            oldest_first = sorted(source.files("*.jsonl"), key=lambda path: (path.stat().st_mtime, str(path)))
            files = [*map(SourceFile, oldest_first)]
        seen: dict[str, str] = {}
        some = False
        for file in files:
            if source.is_folder and not _is_transcript(file.head):
                losses.add("a file that is not a transcript", file.name)
                continue
            for conversation in _sessions(file, losses, seen):
                some = True
                yield conversation
        if not some:
            raise FileRefused(f"There is no prompt in {source.name}.", "Import another file.")


def _is_transcript(head: bytes) -> bool:
    found = beginning(head)
    if not found:  # the first line may be longer than what is looked at
        return _LONG.match(head) is not None
    kinds = {text(one.get("type")) for one in found}
    if kinds.isdisjoint(KINDS):
        return kinds <= _OTHERS | TITLES.keys()
    said = next(one for one in found if text(one.get("type")) in KINDS)
    return isinstance(said.get("message"), dict) and any(name in said for name in ("uuid", "sessionId", "cwd"))


def _sessions(source: SourceFile, losses: Losses, seen: dict[str, str]) -> Iterator[ForeignConversation]:
    """Yield the session of a file with its branches, then the subagents among its records.

    `seen` has the key of the conversation of each exchange that was read so far: a session that was resumed in another
    file repeats those before, and is a branch of that session.
    """
    main = ClaudeSession(source.name, losses)
    sides: dict[str, ClaudeSession] = {}
    roots: dict[str, str] = {}
    for place, record in records(source, losses):
        if record.get("isSidechain") is True:
            side = text(record.get("agentId")) or roots.get(text(record.get("parentUuid")), text(record.get("uuid")))
            roots[text(record.get("uuid"))] = side
            sides.setdefault(side, ClaudeSession(place, losses)).add(record, place)
        else:
            main.add(record, place)
    for side, session in chain([("", main)], sides.items()):
        session.facts.session = session.facts.session or Path(source.name).stem
        told = session.finished()
        if told:
            whole = _conversation(session.facts, side, main.facts)
            assert whole.key is not None
            for one in telling.conversations(whole, told, source.name, losses):
                yield from telling.unshared(one, whole.key, seen)


def _conversation(facts: Facts, agent: str, main: Facts) -> ForeignConversation:
    """Return a session without its exchanges. A subagent's is put away, because Claude Code lists it nowhere."""
    meta = {"directory": facts.folder, "branch": facts.branch, "version": facts.version, "agent": agent}
    if agent:
        meta["session"] = facts.session
    title = facts.title or (f"{main.title} {agent}" if agent and main.title else "")
    return ForeignConversation(
        key=f"{facts.session} {agent}" if agent else facts.session,
        exchanges=(),
        name=title or None,
        created_utc=facts.begun,
        model=facts.model or None,
        project=folder_name(facts.folder),
        tags=("subagent",) if agent else (),
        meta={name: value for name, value in meta.items() if value},
        archived=bool(agent),
    )


FORMAT = ClaudeCode()
