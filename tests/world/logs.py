"""Logs in every shape that a user may have: today's, those of older llms, mixed ones, and that of a future llm.

    with LogBuilder(path) as log:
        thread = log.thread()
        log.turns(thread, Said("We build a bridge."), Said("When?", "On 4 May.", tokens=(40, 6)))

llm's own writer fills today's tables, in one transaction. The tables of llm up to 0.31, which no installed llm writes
any more, are filled by the statements that it used. Ids and times are the same on every run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from functools import cache, cached_property, wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, TypeVar

import llm
from llm.logs import LogStore
from llm.migrations import MIGRATIONS, migrate
from llm.parts import Message, TextPart
from sqlite_utils import Database
from ulid import ULID

from llm_session_memory.store.log import steady
from tests.world.quick_tables import ensure_migrations_table

T = TypeVar("T")

START = datetime(2026, 9, 1, 8, 0, tzinfo=timezone.utc)

LAST_MIGRATION_OF_0_20 = "m013_usage"
"""llm 0.20 came out in January 2025; the next migration (schemas) came with 0.23."""


@dataclass(frozen=True)
class Call:
    """One round of a tool loop: the model's call and the tool's answer."""

    name: str
    arguments: dict[str, Any]
    output: str
    attachments: tuple[llm.Attachment, ...] = ()


@dataclass(frozen=True)
class Said:
    """One exchange to write. `at` is the start of its first call (default: a minute after the previous exchange).

    Each call takes `duration_ms`, and `calls` follow one another. `tokens` is the server's count for each call, in and
    out.
    """

    prompt: str
    reply: str = "Noted."
    system: str | None = None
    fragments: tuple[llm.Fragment, ...] = ()
    attachments: tuple[llm.Attachment, ...] = ()
    calls: tuple[Call, ...] = ()
    tokens: tuple[int, int] | None = None
    at: datetime | None = None
    duration_ms: int = 800

    def started(self, call: int) -> datetime:
        """Return the time when one of its calls began."""
        assert self.at is not None
        return self.at + timedelta(milliseconds=call * self.duration_ms)


class Replier(llm.Model):
    """A model that replies as an exchange says, call by call."""

    can_stream = True
    supports_tools = True
    attachment_types = {"image/png", "text/plain"}  # noqa: RUF012  as llm declares it

    def __init__(self, model_id: str, said: Said) -> None:
        self.model_id = model_id
        self._said = said
        self._calls = 0

    def execute(self, prompt: llm.Prompt, stream: bool, response: Any, conversation: Any) -> Iterator[str]:
        number, self._calls = self._calls, self._calls + 1
        if self._said.tokens:
            response.set_usage(input=self._said.tokens[0], output=self._said.tokens[1])
        if number < len(self._said.calls):
            call = self._said.calls[number]
            response.add_tool_call(llm.ToolCall(call.name, call.arguments, f"call-{number + 1}"))
            return
        yield self._said.reply


@cache
def _empty(tables: Callable[[Database], None]) -> bytes:
    """Return a log without turns, cached because llm takes a tenth of a second to make one."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "logs.db")
        database = Database(path)
        tables(database)
        database.close()
        return path.read_bytes()


def written_once(write: Callable[[Path], T]) -> Callable[[Path], T]:
    """Let a function that writes a log do so once in each process. Later logs are copies, and so is what it returns."""

    @cache
    def first() -> tuple[bytes, T]:
        with TemporaryDirectory() as folder:
            returned = write(Path(folder, "logs.db"))
            return Path(folder, "logs.db").read_bytes(), returned

    @wraps(write)
    def copied(path: Path) -> T:
        log, returned = first()
        path.write_bytes(log)
        return deepcopy(returned)

    return copied


class LogBuilder:
    """Fills a log that has the tables of the installed llm; use it in a `with` statement."""

    def __init__(self, path: Path, *, tables: Callable[[Database], None] = migrate) -> None:
        fresh = not path.exists()
        if fresh:
            path.write_bytes(_empty(tables))
        self.db = Database(path)
        if not fresh:
            tables(self.db)
        self._now = START
        self._given = 0
        self._chains: dict[str, list[Message]] = {}

    def __enter__(self) -> LogBuilder:  # noqa: PYI034  Self needs Python 3.11
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.db.close()

    def thread(self) -> str:
        """Return the id of a new conversation, which has no row yet."""
        return self._id(self._now)

    def turns(self, thread: str, *said: Said, model: str = "scripted", block: int | None = None) -> list[str]:
        """Write exchanges as today's llm does; return the ids of all their turns.

        Each is sent with the whole thread; or with `block`, as a session does, with the exchanges since the last
        multiple of `block`. (Without it, the time grows with the square of the number of exchanges.)
        """
        ids: list[str] = []
        with self.db.atomic():
            for number, one in enumerate(self._dated(said)):
                if block is not None and number % block == 0:
                    self._chains.pop(thread, None)
                ids += self._log(thread, one, model)
        return ids

    def forked(self, thread: str, parent: str, exchanges: int) -> None:
        """Let a new thread begin with the first exchanges of another: they were sent with its prompts, not copied."""
        self._chains[thread] = self._chains[parent][: 2 * exchanges]

    def unseen(self, thread: str, said: Said, model: str = "scripted") -> list[str]:
        """Write an exchange whose request has none of the others, as if by another process at the same time."""
        (one,) = self._dated([said])
        with self.db.atomic():
            self._chains.pop(thread, None)
            return self._log(thread, one, model)

    def responses(self, thread: str, *said: Said, model: str = "gpt-4o-mini") -> list[str]:
        """Write exchanges as llm up to 0.31 did; return the ids of all their responses."""
        ids: list[str] = []
        with self.db.atomic():
            for one in self._dated(said):
                new = [self._id(one.started(call)) for call in range(len(one.calls) + 1)]
                self._old_rows(thread, one, new, model)
                ids += new
        return ids

    def both(self, thread: str, *said: Said, model: str = "scripted") -> list[str]:
        """Write exchanges into both generations of tables under the same ids, as the versions of llm in between did."""
        ids: list[str] = []
        for one in self._dated(said):
            new = self.turns(thread, one, model=model)
            with self.db.atomic():
                self._old_rows(thread, one, new, model)
            ids += new
        return ids

    # -- ids and times -------------------------------------------------

    def _dated(self, said: Sequence[Said]) -> Iterator[Said]:
        for one in said:
            dated = one if one.at is not None else replace(one, at=self._now)
            self._now = max(self._now, dated.started(len(dated.calls))) + timedelta(minutes=1)
            yield dated

    def _id(self, at: datetime) -> str:
        """Return a ULID of that time, greater than earlier ones for the same time."""
        self._given += 1
        moment = int(at.timestamp() * 1000).to_bytes(6, "big")
        return str(ULID.from_bytes(moment + self._given.to_bytes(10, "big"))).lower()

    # -- today's tables ------------------------------------------------

    @cached_property
    def _llms(self) -> LogStore:
        """llm's own writer. `log_to_db` makes one for each response, which looks for pending migrations."""
        return LogStore(steady(self.db))

    def _log(self, thread: str, one: Said, model_id: str) -> list[str]:
        model = Replier(model_id, one)
        conversation = llm.Conversation(model=model, id=thread)
        chain = self._chains.get(thread, [])
        if one.system and not (chain and chain[0].role == "system"):
            chain = [Message("system", [TextPart(one.system)]), *chain]
        asked: dict[str, Any] = {
            "messages": chain,
            "system": one.system,
            "fragments": list(one.fragments),
            "attachments": list(one.attachments),
        }
        logged: Any
        if one.calls:
            logged = conversation.chain(one.prompt, tools=[*_tools(one)], chain_limit=0, **asked)
            logged.text()
            responses = list(logged._responses)
        else:
            logged = conversation.prompt(one.prompt, **asked)
            logged.text()
            responses = [logged]
        for call, response in enumerate(responses):
            started = one.started(call)
            response.id = self._id(started)
            response._start_utcnow = started
            response._start, response._end = 0.0, one.duration_ms / 1000
        for response in responses:
            self._llms.log(response)
        self._chains[thread] = [*responses[-1].prompt.messages, *responses[-1]._messages_now()]
        return [response.id for response in responses]

    # -- the tables of llm up to 0.31 ----------------------------------

    def _old_rows(self, thread: str, one: Said, ids: list[str], model: str) -> None:
        self.db.table("conversations").insert({"id": thread, "name": one.prompt[:100], "model": model}, ignore=True)
        tokens = one.tokens or (None, None)
        for call, id_ in enumerate(ids):
            first, last = call == 0, call == len(ids) - 1
            row = {
                "id": id_,
                "model": model,
                "prompt": one.prompt if first else "",
                "system": one.system if first else None,
                "options_json": "{}",
                "response": one.reply if last else "",
                "conversation_id": thread,
                "duration_ms": one.duration_ms,
                "datetime_utc": one.started(call).isoformat(),
                "input_tokens": tokens[0],
                "output_tokens": tokens[1],
            }
            self.db.table("responses").insert(row)
            if first:
                self._old_attachments(id_, one.attachments)
                self._old_fragments(id_, one.fragments)
            else:
                self._old_result(id_, call - 1, one.calls[call - 1])
            if not last:
                made = one.calls[call]
                self.db.table("tool_calls").insert(
                    {
                        "response_id": id_,
                        "name": made.name,
                        "arguments": json.dumps(made.arguments),
                        "tool_call_id": f"call-{call + 1}",
                    }
                )

    def _old_result(self, id_: str, number: int, call: Call) -> None:
        result = self.db.table("tool_results").insert(
            {"response_id": id_, "name": call.name, "output": call.output, "tool_call_id": f"call-{number + 1}"}
        )
        self._old_attachments(id_, call.attachments)
        for order, attachment in enumerate(call.attachments):
            row = {"tool_result_id": result.last_pk, "attachment_id": attachment.id(), "order": order}
            self.db.table("tool_results_attachments").insert(row)

    def _old_attachments(self, id_: str, attachments: Sequence[llm.Attachment]) -> None:
        for order, attachment in enumerate(attachments):
            row = {
                "id": attachment.id(),
                "type": attachment.resolve_type(),
                "path": attachment.path,
                "url": attachment.url,
                "content": attachment.content,
            }
            self.db.table("attachments").insert(row, replace=True)
            self.db.table("prompt_attachments").insert(
                {"response_id": id_, "attachment_id": attachment.id(), "order": order}
            )

    def _old_fragments(self, id_: str, fragments: Sequence[llm.Fragment]) -> None:
        for order, fragment in enumerate(fragments):
            row = {
                "hash": hashlib.sha256(str(fragment).encode()).hexdigest(),
                "content": str(fragment),
                "datetime_utc": START.isoformat(),
                "source": fragment.source,
            }
            self.db.table("fragments").insert(row, ignore=True)
            fragment_id = next(self.db.query("select id from fragments where hash = ?", [row["hash"]]))["id"]
            self.db.table("prompt_fragments").insert({"response_id": id_, "fragment_id": fragment_id, "order": order})


def _tools(one: Said) -> list[llm.Tool]:
    """Return the tools that an exchange calls, which give their answers in turn."""
    answers: dict[str, list[Call]] = {}
    for call in one.calls:
        answers.setdefault(call.name, []).append(call)

    def tool(name: str) -> llm.Tool:
        def answer(**arguments: Any) -> llm.ToolOutput:
            call = answers[name].pop(0)
            return llm.ToolOutput(call.output, attachments=list(call.attachments))

        return llm.Tool(name, f"The tool {name}.", {"type": "object", "properties": {}}, answer)

    return [tool(name) for name in answers]


def tables_of_0_20(db: Database) -> None:
    """Create the tables of llm 0.20."""
    ensure_migrations_table(db)
    for migration in MIGRATIONS:
        migration(db)
        db.table("_llm_migrations").insert({"name": migration.__name__, "applied_at": "2025-01-23 00:00:00+00:00"})
        if migration.__name__ == LAST_MIGRATION_OF_0_20:
            return


def as_newer_llm(path: Path) -> None:
    """Make a log look as if a newer llm had migrated it: an unknown migration, an extra table and extra columns."""
    db = Database(path)
    with db.atomic():
        db.table("_llm_migrations").insert({"name": "m099_far_away", "applied_at": "2028-01-01 00:00:00+00:00"})
        for table in ("turns", "threads", "messages", "parts", "fragments", "attachments", "tools", "turn_tools"):
            db.execute(f"alter table [{table}] add column far_away text default 'x'")
        db.execute("create table far_away (id integer primary key, turn_id text references turns (id))")
    db.close()


def with_column_renamed(path: Path, table: str, column: str) -> None:
    """Make a log look as if a newer llm had renamed a column."""
    db = Database(path)
    with db.atomic():
        db.table("_llm_migrations").insert({"name": "m099_renamed", "applied_at": "2028-01-01 00:00:00+00:00"})
        db.execute(f"alter table [{table}] rename column [{column}] to [{column}_anew]")
    db.close()


def as_read_only(path: Path) -> None:
    """Make SQLite refuse to write to a log, whoever runs it, by the write version in its header."""
    _mark(path, 3)


def as_writable(path: Path) -> None:
    """Undo as_read_only."""
    _mark(path, 1)


def _mark(path: Path, write_version: int) -> None:
    """Write the version at byte 18, and the change counter at 24, by which open connections notice."""
    with path.open("r+b") as file:
        file.seek(24)
        changes = int.from_bytes(file.read(4), "big") + 1
        file.seek(24)
        file.write(changes.to_bytes(4, "big"))
        file.seek(18)
        file.write(bytes([write_version]))
