"""Invented secrets, and a log with one secret everywhere. No key stands in a file, so that no scanner finds one."""

from __future__ import annotations

import json
import random
import string
from pathlib import Path

import llm

from llm_session_memory.model import Attempt, Rating, Session, Settings, Summary
from llm_session_memory.services.bundle import Services
from llm_session_memory.store import Log, Notes, Sessions
from llm_session_memory.store.index import Index
from tests.world.logs import Call, LogBuilder, Said, written_once

LETTERS = string.ascii_letters + string.digits
HEX = "0123456789abcdef"


def key(begins: str, length: int, characters: str = LETTERS, seed: int = 1) -> str:
    """Return an invented key, always the same one."""
    chosen = random.Random(f"{begins}{seed}")
    return begins + "".join(chosen.choice(characters) for _ in range(length))


OPENAI = key("sk-proj-", 40)
PASSWORD = "tr0ub4dor-and-3"
PEM = f"-----BEGIN {'RSA'} PRIVATE KEY-----\n{key('MII', 60)}\n{key('', 64)}\n-----END {'RSA'} PRIVATE KEY-----"


@written_once
def secret_log(path: Path) -> tuple[str, str]:
    """Write a log with a conversation that has a secret in every place, and one that has none; return both.

    The first is a session `work` whose exchanges are: an older llm's, one with everything, and one that repeats it in
    its request. Its other session is `other`.
    """
    fragment = llm.Fragment(f"OPENAI={OPENAI}\n{PEM}\n", f"env-{OPENAI}.txt")
    file = llm.Attachment(type="text/plain", content=f"password: {PASSWORD}\n".encode())
    picture = llm.Attachment(type="image/png", content=b"\x89PNG\r\n\x1a\n\x00" + OPENAI.encode())
    with LogBuilder(path) as log:
        secret, other = log.thread(), log.thread()
        log.responses(secret, Said(f"Old {OPENAI}", f"Old reply {OPENAI}", fragments=(fragment,)))
        log.turns(other, Said("We build a bridge.", "Noted."), Said("When?", "On 4 May."))
        call = Call("look", {"what": OPENAI}, f"found {OPENAI} and {PEM}")
        first = Said(
            f"Is {OPENAI} good? Before it are words, and behind it are words about bridges.",
            f"{OPENAI} it is. Never send it.",
            f"Your key is {OPENAI}.",
            (fragment,),
            (file, picture),
            (call,),
        )
        log.turns(secret, first, Said("Again, please", "As I said."))
        log.turns(other, Said("And then?", "Rest."))
    with Services.open(path) as services:
        services.desk.prepare()
        log_, now = services.desk.log, "2026-11-28T08:00:00+00:00"
        with services.writing():
            sessions, notes = Sessions(log_), Notes(log_)
            sessions.add(Session(secret, "work", now, Settings(system=f"Use {OPENAI}")))
            sessions.add(Session(other, "other", now, Settings()))
            turn = str(log_.value("select max(id) from turns where thread_id = :id", {"id": secret}))
            notes.set_meta(secret, {"key": OPENAI})
            notes.add_tag(secret, OPENAI)
            notes.add_summary(secret, Summary(0, f"Has {OPENAI}", turn, turn, 1, None, None, None, None, now))
            services.ratings.keep(secret, turn, Rating("up", f"Works: {OPENAI}", now))
            request = {"prompt": OPENAI, "fragments": [{"text": PEM}]}
            sessions.attempts.add(
                Attempt("01zz", secret, "scripted", f"Try {OPENAI}", f"401: {OPENAI}", PEM, now, 1, request)
            )
            log_.run(
                "insert into memory_originals values (:id, :json)", {"id": _second(log_, secret), "json": _original()}
            )
        services.notes.add("work", f"Note {OPENAI}")
        services.notes.add_global(f"password: {PASSWORD}")
        services.snapshots.make("work", f"before {OPENAI}")
        Index(log_).catch_up(secret)
        Index(log_).catch_up(other)
    return secret, other


def _second(log: Log, thread: str) -> str:
    """Return the turn that answers the call of the tool."""
    sql = "select id from turns where thread_id = :id order by id limit 1 offset 1"
    return str(log.value(sql, {"id": thread}))


def _original() -> str:
    part = {"type": "tool_result", "name": "look", "output": f"{PEM} in full"}
    return json.dumps([{"role": "tool", "parts": [part]}])
