"""The arrival of another tool's conversations: what is new of each is written to a temporary database.

A conversation that arrives is compared with its lines, exchange by exchange, from its beginning. What a line lacks at
its end is added to it. If the conversation and the line continue in different ways, because it has branches or because
somebody continued it here, it becomes a fork that shares what both have.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import chain

from ...errors import SessionError
from ...llm_seam.past import UNKNOWN_MODEL
from ...llm_seam.writing import Writer
from ...model import Attachment, Rating, Session
from ...rules.arrivals import TurnIds, mark_in, thread_id
from ...rules.safe_text import one_line
from ...store import Log, Sessions, attachments, forks, origins
from ...store.origins import Origin
from ...store.ratings import Ratings
from ...store.staging import Staging
from ..importer import taken, verified
from . import beside, labels
from .arrived import Arrived
from .content import Arriving, Exchanges, answered, conversation_key, every
from .deleted import Tombstones
from .families import ArrivingLine, Families
from .moments import moment
from .values import ForeignConversation, ForeignExchange, Format, Losses

_WORDS_OF_NAME = 50
"""The most characters of a prompt that names a conversation without a name."""


class Arrival:
    """The import in progress. It writes to a temporary database; `theirs` is the log, or None if there is none yet."""

    def __init__(  # noqa: PLR0913  one parameter a source
        self,
        staging: Staging,
        theirs: Log | None,
        format_: Format,
        file: str,
        name: str | None,
        now: str,
        *,
        restore_deleted: bool = False,
    ) -> None:
        self.staging, self.theirs = staging, theirs
        self.format, self.file, self.name, self.now = format_, file, name, now
        self.losses = Losses()
        self.arrived: dict[str, Arrived] = {}
        """The sessions that got exchanges, by thread."""
        self.is_empty = True
        self.conversations = 0
        """How many conversations came, without their branches."""
        self.left_out = 0
        """How many exchanges were left out because they were deleted from the log."""
        self.families = Families(format_.source, theirs)
        self.names = labels.Names((Sessions(theirs) if theirs else Sessions(staging.log)).names())
        if name is not None and self.names.is_taken(name):
            raise taken(name)
        self.writer = Writer(staging.log, "")
        self._roots: dict[str, str] = {}
        self._paths: dict[str, list[tuple[str | None, str]]] = {}
        self._repeated: dict[str, int] = {}
        self.deleted = Tombstones(None if restore_deleted else theirs)

    def add(self, conversation: ForeignConversation) -> None:
        """Write what is new of a conversation, or of a branch of one, whose original came before.

        Raises SessionError if a second conversation arrives, but all were to have one name.
        """
        exchanges = every(conversation)
        first = next(exchanges, None)
        if first is None:
            return
        self.is_empty = False
        if conversation.forked_from is None:
            self._begin_another()
        key, exchanges = self._key(conversation, chain([first], exchanges))
        parent = conversation.forked_from[0] if conversation.forked_from else None
        root = key if parent is None else self._roots.setdefault(key, self._roots.get(parent, parent))
        shared = self._shared(conversation, root)
        _Course(self, conversation, root, shared).run(exchanges, self._path(key, conversation))

    def _begin_another(self) -> None:
        """Count a conversation that is not a branch; its branches come before the next one."""
        self.conversations += 1
        self._paths.clear()
        if self.conversations > 1 and self.name is not None:
            message = f"{self.file} has more than one conversation, so --as can't name them."
            raise SessionError(
                message, "Import it without --as, then use: llm sessions rename NAME NEW_NAME", "Nothing was imported."
            )

    def _key(
        self, conversation: ForeignConversation, exchanges: Iterator[ForeignExchange]
    ) -> tuple[str, Iterator[ForeignExchange]]:
        """Return the key of a conversation, and its exchanges."""
        if conversation.key is not None:
            return conversation.key, exchanges
        if not self.format.may_repeat:
            first = next(exchanges)
            return conversation_key(conversation, [first]), chain([first], exchanges)
        whole = [*exchanges]
        key = conversation_key(conversation, whole)
        self._repeated[key] = self._repeated.get(key, 0) + 1
        return f"{key} {self._repeated[key]}", iter(whole)

    # -- branches ------------------------------------------------------

    def _path(self, key: str, conversation: ForeignConversation) -> list[tuple[str | None, str]]:
        """Return the exchanges (key and first mark) that come before a branch's own, which continue them."""
        path: list[tuple[str | None, str]] = []
        if conversation.forked_from is not None:
            parent, last = conversation.forked_from
            before = self._paths.get(parent, [])
            ends = [place for place, (one, _) in enumerate(before) if one == last]
            path = before[: ends[-1] + 1] if ends and last is not None else []
        self._paths[key] = path
        return path

    def _shared(self, conversation: ForeignConversation, root: str) -> tuple[ArrivingLine, int] | None:
        """Return a line with what a branch shares with its original, and how many turns that are, or None."""
        parent, last = conversation.forked_from or ("", None)
        if last is None:
            return None
        path = self._paths.get(parent, [])
        ends = [place for place, (one, _) in enumerate(path) if one == last]
        marks = [one for _, one in path[: ends[-1] + 1]] if ends else [self._mark(root, last)]
        lines = self.families.of(root).lines
        for mark in reversed(marks):  # the last one that was not deleted here
            for line in lines:
                place = line.find(mark)
                if place is not None:
                    return line, line.end_of(place)
        return None

    def _mark(self, root: str, exchange_key: str) -> str:
        read = Exchanges(self.format.source, root, "", self.losses)
        return read.mark_of_key(exchange_key)

    # -- attachments ----------------------------------------------------

    def kept(self, attachment: Attachment) -> Attachment:
        """Return an attachment as it is stored: the log's own if the log has it already."""
        made = verified(attachment)
        theirs = attachments.attachment(self.theirs, made.id) if self.theirs else None
        return theirs or attachments.attachment(self.staging.log, made.id) or made


class _Course:
    """The course of one conversation: along the lines that have it as far as it came, then along a line of its own."""

    def __init__(
        self, arrival: Arrival, conversation: ForeignConversation, root: str, shared: tuple[ArrivingLine, int] | None
    ) -> None:
        self._to = arrival
        self._conversation = conversation
        self._root = root
        self._family = arrival.families.of(root)
        self._lines = self._family.lines
        self._along = list(self._lines)
        self._at = 0
        if shared is not None:
            line, self._at = shared
            ids = line.ids[: self._at]
            marks = [*map(mark_in, ids)]
            self._along = [one for one in self._lines if one.ids[: self._at] == ids or one.has(0, marks) == self._at]
        self._line: ArrivingLine | None = None
        self._ids = TurnIds(datetime.fromisoformat(arrival.now))

    def run(self, exchanges: Iterator[ForeignExchange], path: list[tuple[str | None, str]]) -> None:
        """Write what is new. The exchanges are added to `path` (key and first mark), which is its conversation's."""
        place = f"“{one_line(self._conversation.name or self._conversation.key or self._to.file, 60)}”"
        read = Exchanges(self._to.format.source, self._root, place, self._to.losses)
        for exchange in answered(exchanges, self._to.losses, place):
            arriving = read.read(exchange)
            path.append((exchange.key, arriving.marks[0]))
            if self._to.deleted.has(arriving, self._lines):
                self._to.left_out += 1
            else:
                self._add(arriving)

    def _add(self, arriving: Arriving) -> None:
        """Write an exchange, unless a line has it at this place."""
        done = 0
        if self._line is None:
            count = len(arriving.marks)
            having = [line for line in self._along if line.has(self._at, arriving.marks) == count]
            if having:
                self._along, self._at = having, self._at + count
                return
            self._line, done = self._next(arriving)
        self._write(self._line, arriving, done)

    def _next(self, arriving: Arriving) -> tuple[ArrivingLine, int]:
        """Return the line that an exchange is added to, and how many of its turns the line has already."""
        first = arriving.turns[0]
        for line in self._along:
            done = line.has(self._at, arriving.marks)
            if line.ids and len(line.ids) == self._at + done and (self._at or done):
                self._go_on(line)
                return line, done
        shared = next((line for line in self._along if self._at), None)
        return self._new_line(shared, first.datetime_utc, first.input[-1].text), 0

    def _go_on(self, line: ArrivingLine) -> None:
        """Begin to write at the end of a line."""
        self._ids = TurnIds(datetime.fromisoformat(self._to.now), last=line.ids[-1])
        self._to.writer.thread_id = line.thread_id
        self._to.writer.begin(line.name or "")
        if line.here is not None:
            self._to.staging.goes_on[line.thread_id] = line.here
        if line.thread_id not in self._to.arrived:
            self._to.arrived[line.thread_id] = Arrived(line.name, line.thread_id, 0, "", is_new=False)

    def _new_line(self, shared: ArrivingLine | None, said_utc: str, prompt: str) -> ArrivingLine:
        """Make a session for what follows, which shares the turns so far with a line (None: it shares nothing)."""
        to, conversation = self._to, self._conversation
        begun = moment(conversation.created_utc) or said_utc
        wanted = to.name if to.name is not None else labels.label(conversation.name)
        if wanted is None and shared is not None:
            wanted = shared.name
        name = to.names.take(wanted or labels.label(one_line(prompt, _WORDS_OF_NAME)) or to.format.source)
        line = ArrivingLine(self._free_thread(said_utc if shared else begun), name)
        session = Session(line.thread_id, name, begun or to.now, beside.settings_of(conversation))
        session = beside.keep(to.staging.log, session, conversation, to.losses, to.now)
        to.arrived[line.thread_id] = Arrived(name, line.thread_id, 0, session.created_utc, is_new=True)
        last = ""
        if shared is not None:
            head, last = shared.head_before(self._at) or "", shared.ids[self._at - 1]
            line.ids = shared.ids[: self._at]
            line.starts = [one for one in shared.starts if one < self._at]
            forks.add(to.staging.log, line.thread_id, shared.thread_id, head, said_utc or to.now)
            to.arrived[line.thread_id].shares = shared.name or shared.thread_id
            if shared.here is not None:
                to.staging.goes_on[shared.thread_id] = shared.here
        self._lines.append(line)
        self._ids = TurnIds(datetime.fromisoformat(to.now), begun, last)
        to.writer.thread_id = line.thread_id
        to.writer.begin(prompt)
        return line

    def _free_thread(self, begun: str) -> str:
        """Return an id for a new thread that no thread has."""
        number = len(self._lines)
        while True:
            made = thread_id(self._to.format.source, self._root, number, begun)
            logs = [log for log in (self._to.theirs, self._to.staging.log) if log is not None]
            if not any(origins.known_ids(log, "threads", [made]) for log in logs):
                return made
            number += 1

    def _write(self, line: ArrivingLine, arriving: Arriving, done: int) -> None:
        """Write the turns of an exchange that the line does not have."""
        to = self._to
        origin = Origin(line.thread_id, to.format.source, self._root, to.file, to.now)
        if not to.arrived[line.thread_id].exchanges:
            origins.put(to.staging.log, origin)
        to.arrived[line.thread_id].exchanges += 1
        if not done:
            line.starts.append(len(line.ids))
        for turn, mark in list(zip(arriving.turns, arriving.marks, strict=True))[done:]:
            system = turn.system if turn.has_system else self._conversation.system
            id_ = self._id(turn.datetime_utc, mark)
            to.writer.add(turn, id_, turn.model or self._conversation.model or UNKNOWN_MODEL, system, to.kept)
            line.ids.append(id_)
        if arriving.exchange.rating and not done:
            rated = Rating(arriving.exchange.rating, "", arriving.turns[-1].datetime_utc or to.now)
            Ratings(to.staging.log).rate(line.thread_id, line.ids[-len(arriving.turns)], rated)

    def _id(self, said_utc: str, mark: str) -> str:
        """Return an id for a turn that no turn has. It is a copy if lines that differ before it have the same turn."""
        while True:
            made = self._ids.next(said_utc, mark, self._family.copies(mark))
            if self._to.theirs is None or not origins.known_ids(self._to.theirs, "turns", [made]):
                return made
