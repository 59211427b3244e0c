"""The import in progress: writes each line of a file through llm's own writer.

Each turn is logged by itself, as if it had been sent without history. Only the log that it came from knows what was
really sent; that is not part of a conversation's content.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from ..errors import NameRefused
from ..llm_seam.past import UNKNOWN_MODEL
from ..llm_seam.writing import Writer
from ..model import Attachment, Block, Project, Session
from ..rules import names
from ..rules.records import ATTEMPT, MISSING, Place
from ..rules.ulids import Ulids, of_import
from ..rules.words import counted
from ..store import Log, Sessions, attachments, history
from ..store.projects import Projects
from ..store.requests import ContextRow
from ..store.staging import Staging
from . import beside, snapshots
from .attempts import attempt_of
from .fields import Fields
from .lines import NOTHING, FileRefused
from .places import Places
from .recalls import Recalls
from .records import BlockRecord, ContextRecord, Header, TurnRecord, is_header, place_of, turns_of
from .settings import settings_of


class Importer:
    """The import in progress. It writes to a temporary database; `theirs` is the log, or None if there is none yet."""

    def __init__(  # noqa: PLR0913  one parameter a source
        self, staging: Staging, theirs: Log | None, header: Header, name: str | None, where: str, now: str
    ) -> None:
        self.log, self.store = staging.log, Sessions(staging.log)
        self.theirs = theirs
        self.header = header
        self.where = where
        self.settings = settings_of(header.fields)
        self.beside = beside.read(header.fields)
        self.snapshots = snapshots.read(header.fields)
        self.now = now
        self.ids = Ulids(datetime.fromisoformat(self.now), history.newest_turn(theirs) if theirs else None)
        self.model = self.settings.model
        self.exchanges = 0
        self.number = 0
        self.places = Places()
        self.blocks: dict[int, tuple[int, BlockRecord]] = {}
        self.latest_block: tuple[Block, BlockRecord] | None = None
        self.answered: list[tuple[str, Place]] = []
        self.has_excerpts = False
        self.session = self._session(name if name is not None else header.name)
        self.writer = Writer(self.log, self.session.thread_id)
        self.recalls = Recalls(staging, self.places)

    def _session(self, name: str | None) -> Session:
        """Create the session that the header describes."""
        theirs = Sessions(self.theirs) if self.theirs else self.store
        kept = names.check(name) if name is not None else names.generated(theirs.names())
        if theirs.session(kept):
            raise taken(kept)
        created = self.header.fields.time("created_utc") or self.now
        project, template = self._project(), self.header.fields.text("template")
        private = self.header.fields.value.get("private") is True
        session = Session(of_import(created), kept, created, self.settings, project, template, private=private)
        self.store.add(session)
        return session

    def _project(self) -> str | None:
        """Return the key of the header's project, which is made without defaults unless the log has it."""
        name = self.header.fields.text("project")
        if name is None:
            return None
        try:
            kept = names.check_project(name)
        except NameRefused as error:
            raise FileRefused(f"{self.header.fields.place}: {error}") from error
        Projects(self.log).add(Project(names.key(kept), kept, self.now))
        return names.key(kept)

    def add(self, number: int, value: Mapping[str, Any]) -> None:
        """Import one line: an exchange, or an attempt."""
        fields = Fields(value, f"Line {number:,} of {self.where}")
        if is_header(value):
            raise FileRefused(f"{fields.place} is a second header, but a file can have only one session.")
        try:
            attempt = fields.inner("attempt", ATTEMPT)
            if attempt:
                fields.only(["attempt"])
                self._attempt(attempt)
            else:
                self._exchange(fields)
        except UnicodeEncodeError as error:
            half = f"U+{ord(error.object[error.start]):04X}"
            raise FileRefused(f"{fields.place} has half a character ({half}), which can't be stored.") from error
        except RecursionError as error:
            raise FileRefused(f"{fields.place} is nested too deeply.") from error

    # -- exchanges -----------------------------------------------------

    def _exchange(self, fields: Fields) -> None:
        number = fields.whole("exchange") if "turns" in fields else None
        if number is not None and number <= self.number:
            raise FileRefused(f"{fields.place} is exchange {number:,}, but it comes after exchange {self.number:,}.")
        self.number = number or self.number + 1
        self.exchanges += 1
        turns = turns_of(fields)
        if self.exchanges == 1:
            text = next((message.text for message in turns[0].input if message.role == "user"), "")
            self.writer.begin(text)
        for turn in turns:
            self.places.add(self.number, self._log(turn))
            if turn.context:
                self._context(turn.context, fields)
        if fields.value.get("pinned"):
            pinned = self.now if fields.value["pinned"] is True else fields.time("pinned")
            self.store.pin(self.session.thread_id, self.places.of(self.number)[0], pinned)
        beside.keep_judged(self.log, self.session.thread_id, self.places.of(self.number)[0], fields, self.now)

    def _log(self, turn: TurnRecord) -> str:
        """Log one turn through llm's own writer, and return its id."""
        self.model = turn.model or self.model or UNKNOWN_MODEL
        system = turn.system if turn.has_system else self.settings.system
        return self.writer.add(turn, self.ids.next(turn.datetime_utc), self.model, system, self._kept)

    def _kept(self, attachment: Attachment) -> Attachment:
        """Return an attachment as it is stored: the log's own if the log has it already."""
        made = verified(attachment)
        theirs = attachments.attachment(self.theirs, made.id) if self.theirs else None
        return theirs or attachments.attachment(self.log, made.id) or made

    # -- contexts ------------------------------------------------------

    def _context(self, context: ContextRecord, fields: Fields) -> None:
        """Record why the turn just logged was sent what it was sent."""
        ids = self.places.of(self.number)
        if context.described:
            self._block(context.block, context.described)
        if context.block not in self.blocks:
            message = f"{fields.place} belongs to block {context.block:,}, which no earlier line describes."
            raise FileRefused(message)
        row = ContextRow(
            turn_id=ids[-1],
            thread_id=self.session.thread_id,
            block_id=self.blocks[context.block][0],
            exchange_turn_id=ids[0],
            number=context.number or self.number,
            after_turn_id=self.places.turn(context.after),
            base=float(context.base),
            estimate=context.estimate,
            cut=context.cut,
        )
        self.store.requests.add_context(row)
        self.recalls.add(ids[-1], context.recalled)

    def _block(self, number: int, record: BlockRecord) -> None:
        block = Block(
            id=None,
            start_id=self.places.first(record.start or 0),
            pinned=tuple(id_ for id_ in map(self.places.first, record.pinned) if id_),
            policy=record.policy,
            budget=record.budget,
            front=record.front,
            reason=record.reason,
            clip=record.clip,
            oversized=record.oversized,
            start_number=record.start_number or record.start,
        )
        id_ = self._add_block(block, record)
        self.blocks[number] = (id_, record)
        self.latest_block = (block, record)

    def _add_block(self, block: Block, record: BlockRecord) -> int:
        window = (record.window, record.window_source)
        return self.store.requests.add(self.session.thread_id, block, window, record.began_utc)

    # -- attempts ------------------------------------------------------

    def _attempt(self, fields: Fields) -> None:
        """Import a prompt that got no complete answer."""
        id_ = self.ids.next(fields.time("datetime_utc"))
        attempt = attempt_of(fields, id_, self.session.thread_id, self.now, verified)
        self.store.attempts.add(attempt)
        answered = place_of(fields, "answered_by")
        if answered:
            self.answered.append((attempt.id, answered))

    # -- the end -------------------------------------------------------

    def finish(self) -> Session:
        """Check that no exchange is missing, and import what refers to exchanges."""
        announced = self.header.exchanges
        if announced is not None and announced != self.exchanges:
            many = counted(announced, "exchange")
            message = f"The first line of {self.where} announces {many}, but {self.exchanges:,} follow."
            hint = "The file was cut off or changed. If that is intended, remove “exchanges” from the first line."
            raise FileRefused(message, hint)
        for id_, place in self.answered:
            turn = self.places.turn(place)
            if turn:
                self.store.attempts.answer([id_], turn)
        if self.latest_block:
            # A block continues exactly the previous request, which the file doesn't have. So the next prompt begins a
            # new block.
            block, record = self.latest_block
            self._add_block(replace(block, front="", reason="imported"), record)
        if not self.header.fields.value and self.model not in (None, UNKNOWN_MODEL):
            # As when an existing conversation is named, the session keeps the conversation's model.
            self.session = replace(self.session, settings=replace(self.settings, model=self.model))
            self.store.set_settings(self.session.thread_id, self.session.settings)
        self.has_excerpts = self.recalls.finish()
        beside.keep(self.log, self.session.thread_id, self.beside, self.places.first)
        snapshots.keep(self.log, self.session.thread_id, self.snapshots, self.places.first, self.now)
        return self.session


def taken(name: str) -> NameRefused:
    """Return the error for a name that another session has."""
    return NameRefused(f"Session “{name}” already exists.", "Import it under another name with --as.", NOTHING)


def verified(attachment: Attachment) -> Attachment:
    """Return an attachment with the id of its content. A path is marked if its file is missing or has other content."""
    if attachment.content:
        return replace(attachment, id=attachments.hash_of(attachment.content))
    if attachment.path is None:
        return replace(attachment, id=attachments.hash_of(json.dumps({"url": attachment.url}).encode()))
    if attachment.id and attachments.with_file(attachment).content:
        return attachment
    return replace(attachment, path=f"{MISSING}{attachment.path}")
