"""Marks between the exchanges of a transcript: the parts of a fork's history, and snapshots. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llm_session_memory.reader.values import NamedPoint, Stem, Transcript
from llm_session_memory.rules.safe_text import one_line

from ..web.links import Links
from .commands import command
from .words import day


@dataclass(frozen=True)
class SnapshotMark:
    """A snapshot on the page: its label, when it was taken, the URL of the replay from there, and how to go back."""

    anchor: str
    label: str
    made: str
    replay_url: str
    command: str = ""
    undone: bool = False


@dataclass(frozen=True)
class Divider:
    """The beginning of a part of a fork's history: exchanges of another session or, without a `url`, the fork's own."""

    heading: str
    url: str = ""
    first: int = 0
    last: int = 0


def session_of(stems: Sequence[Stem], number: int) -> str:
    """Return what the session is called that a fork has an exchange from, or nothing if it is the fork's own."""
    return next((one_line(one.heading, 60) for one in stems if one.first <= number <= one.last), "")


def dividers(transcript: Transcript, links: Links) -> dict[int, Divider]:
    """Return the parts of a fork's history by the exchange on this page that each begins with or goes on from."""
    if not transcript.stems:
        return {}
    own = transcript.stems[-1].last + 1
    parts = [
        Divider(one_line(one.heading, 80), links.session(one.reference), one.first, one.last)
        for one in transcript.stems
        if one.last >= transcript.first
    ]
    if transcript.first <= own:
        parts.append(Divider(one_line(transcript.line.heading, 80), first=own, last=transcript.total))
    return {max(part.first, transcript.first): part for part in parts}


def marks(transcript: Transcript, links: Links, database: str = "") -> dict[int | str, tuple[SnapshotMark, ...]]:
    """Return the snapshots by the number of the exchange that each was taken after or, if it was undone, by its id.

    If what was undone is not shown, they are at the exchange before it. `database` is named in commands, if given.
    """
    shown = {one.id for one in transcript.undone}
    found: dict[int | str, tuple[SnapshotMark, ...]] = {}
    for one in transcript.snapshots:
        url = links.replay(transcript.line.reference, snapshot=one.label)
        name = transcript.line.name
        back = command("restore", name, one.label, database=database) if name else ""
        mark = SnapshotMark(
            f"snapshot-{one.id}", one_line(one.label, 100), day(one.made_utc), url, back, bool(one.undone)
        )
        place = one.undone if one.undone in shown else one.number
        found[place] = (*found.get(place, ()), mark)
    return found


def snapshot_url(transcript: Transcript, snapshot: NamedPoint, links: Links) -> str:
    """Return the URL of the mark of a snapshot or, if it was taken before the first exchange, of the transcript."""
    if not snapshot.number:
        return links.session(transcript.line.reference, **{"from": 1})
    return f"{links.page(transcript.line.reference, snapshot.number)}#snapshot-{snapshot.id}"
