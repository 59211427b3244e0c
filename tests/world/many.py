"""A log of work with many prompts, for the canned queries: models side by side, jobs, a workflow, a group, votes."""

from __future__ import annotations

import json
import sqlite3
from datetime import timedelta
from pathlib import Path

import llm

from llm_session_memory.store.schema import migrations
from tests.world.everything import PNG, Session, with_blocks, with_rating, with_recall, with_rows, with_sessions
from tests.world.logs import START, Call, LogBuilder, Said

MINI, SONNET = "gpt-4o-mini", "claude-sonnet-4.5"
BEGIN = "Please summarise this chapter of the long book: "
AT = "2026-09-20T08:00:00+00:00"


def write_many(path: Path) -> None:
    """Write the session `draft` of two models, its fork `draft-b`, and two conversations without a name.

    `draft` has five exchanges: two summaries, one with a picture, and ten days later a tool that fails, a reply to a
    schema and one that is no JSON. Its fork has one. The others have one prompt each, the newer one in older tables.
    """
    notes = (llm.Fragment("The pier.", "notes.txt"), llm.Fragment("The pier is closed.", "notes.txt"))
    later = START + timedelta(days=10)
    tide = Call("tide", {"place": "Lisbon"}, "no tide today")
    with LogBuilder(path) as log:
        migrations().apply(log.db)
        draft, fork, single, old = log.thread(), log.thread(), log.thread(), log.thread()
        picture = llm.Attachment(type="image/png", content=PNG)
        turns = log.turns(
            draft,
            Said(f"{BEGIN}one", "It rains.", attachments=(picture,), tokens=(1000, 100), duration_ms=1000),
            Said(f"{BEGIN}two", "It still rains.", fragments=notes[:1], tokens=(2000, 300), duration_ms=3000),
            model=MINI,
        )
        asked = (
            Said("Which tide?", "None.", calls=(tide,), fragments=notes[1:], tokens=(3000, 50), at=later),
            Said("As JSON?", '{"tide": null}', tokens=(3000, 40), at=later + timedelta(minutes=2)),
            Said("And in short?", "None", tokens=(3000, 10), at=later + timedelta(minutes=3)),
        )
        turns += log.turns(draft, *asked, model=SONNET)
        log.forked(fork, draft, 1)
        forked = log.turns(fork, Said(f"{BEGIN}two", "No rain.", tokens=(2000, 900), duration_ms=2000), model=SONNET)
        log.turns(single, Said("What is a pier?", "A bridge to nowhere.", tokens=(10, 6)), model="ollama/llama3")
        log.responses(old, Said("And a quay?", "A wall.", tokens=(8, 3), at=START + timedelta(days=20)))
    session = Session(
        *(draft, "draft", turns),
        tags=("Pier",),
        notes=("The pier is closed.",),
        pinned=(turns[0],),
        attempts=[("a1", "Again?", "HTTP 500"), ("a2", "And then?", "HTTP 500")],
    )
    with_sessions(path, session, Session(fork, "draft-b", forked), Session("t0", "unused", []))
    with_blocks(path, session, 4)
    with_recall(path, turns[4], turns[0], "tide", "rain")
    for turn_id, mark in ((turns[0], "up"), (turns[1], "down"), (turns[4], "4")):
        with_rating(path, draft, turn_id, mark, "why", "The pier" if mark == "up" else "")
    _rows(path, (draft, fork, old), turns, forked)
    _jobs(path, draft, turns)
    _changes(path, turns)


def _rows(path: Path, threads: tuple[str, str, str], turns: list[str], forked: list[str]) -> None:
    draft, fork, old = threads
    with_rows(path, "memory_projects", {"name_key": "bridge", "name": "Bridge", "created_utc": AT})
    with_rows(path, "memory_projects", {"name_key": "empty", "name": "empty", "created_utc": AT})
    with_rows(path, "memory_meta", {"thread_id": draft, "key": "place", "value": "Lisbon"})
    with_rows(path, "memory_origins", {"thread_id": old, "source": "chatgpt", "key": "k", "imported_utc": AT})
    with_rows(
        path,
        "memory_forks",
        {"thread_id": fork, "from_thread_id": draft, "at_turn_id": turns[0], "forked_utc": AT},
    )
    with_rows(path, "memory_undone", {"thread_id": draft, "turn_id": turns[5], "undone_utc": AT})
    with_rows(path, "memory_changed", {"turn_id": turns[1], "changed_utc": AT})
    with_rows(path, "memory_index", {"number": 1, "thread_id": draft, "turns": 2, "passages": 5, "rules": 1})
    summary = {"text": "Rain.", "first_turn_id": turns[0], "last_turn_id": turns[1], "exchanges": 2, "model": MINI}
    cost = {"input_tokens": 500, "output_tokens": 50, "duration_ms": 900}
    with_rows(path, "memory_summaries", {"thread_id": draft, **summary, **cost, "made_utc": AT})
    with_rows(path, "memory_groups", {"name_key": "piers", "name": "Piers", "created_utc": AT})
    members = ({"name_key": "piers", "thread_id": one, "added_utc": AT} for one in (draft, fork))
    with_rows(path, "memory_group_members", *members)
    first, second = sorted((turns[1], forked[0]))
    vote = {"a_turn_id": first, "b_turn_id": second, "better": "b", "blind": 1, "voted_utc": AT}
    with_rows(path, "memory_votes", vote)


def _jobs(path: Path, draft: str, turns: list[str]) -> None:
    job = {"settings_json": "{}", "thread_id": draft, "created_utc": "2026-09-20T08:00:00+00:00"}
    with_rows(
        path,
        "memory_jobs",
        {"id": "j1", "name": "prompts-1", "name_key": "prompts-1", "kind": "batch", "state": "open", **job},
        {"id": "j2", "name": "prompts-2", "name_key": "prompts-2", "kind": "batch", "max_cost_usd": 5.0, **job},
        {
            "id": "j3",
            "name": "flow-1",
            "name_key": "flow-1",
            "kind": "workflow",
            "state": "done",
            **job,
            "inputs_json": '{"topic": "piers"}',
            "ended_utc": "2026-09-20T08:02:00+00:00",
        },
    )

    def item(job_id: str, position: int, state: str, **more: object) -> dict[str, object]:
        ran = {"started_utc": f"2026-09-20T08:00:{10 * position:02}+00:00", "tries": 1} if state != "waiting" else {}
        ended = {"ended_utc": f"2026-09-20T08:00:{10 * position + 4:02}+00:00"} if state in ("done", "failed") else {}
        about = {"id": f"line-{position}", "key": f"k{position}", "input_json": "{}", "model": MINI}
        return {"job_id": job_id, "position": position, **about, "state": state, **ran, **ended, **more}

    with_rows(path, "memory_job_items", item("j1", 1, "done", turn_id=turns[0], thread_id=draft))
    with_rows(path, "memory_job_items", item("j1", 2, "failed", error="HTTP 429", tries=5))
    with_rows(path, "memory_job_items", item("j1", 3, "running", owner="4711", lease_utc="2026-09-20T08:10:00+00:00"))
    with_rows(path, "memory_job_items", item("j2", 1, "done", turn_id=turns[1], thread_id=draft, error="HTTP 429"))
    with_rows(path, "memory_job_items", item("j2", 2, "waiting"))
    step = {"thread_id": draft, "model": SONNET}
    with_rows(path, "memory_job_items", item("j3", 1, "done", turn_id=turns[2], **step) | {"id": "outline"})
    of_list = item("j3", 2, "done", turn_id=turns[4], needs_json="[1]", tries=2, **step) | {"id": "part[1]"}
    with_rows(path, "memory_job_items", of_list)
    with_rows(path, "memory_job_items", item("j3", 3, "failed", error="No.", needs_json="[2]") | {"id": "part[2]"})


def _changes(path: Path, turns: list[str]) -> None:
    connection = sqlite3.connect(path)
    connection.execute("update memory_sessions set project = 'bridge', template = 'book', budget_usd = 1, private = 1")
    connection.execute(
        "update memory_attempts set answered_by = ?, datetime_utc = ?", [turns[4], "2026-09-11T07:50:00+00:00"]
    )
    connection.execute("update memory_attempts set answered_by = null where id = 'a2'")
    connection.execute(
        "update parts set payload = json_set(payload, '$.exception', 'ValueError: no tide') where type = 'tool_result'"
    )
    connection.execute(
        "insert into parts (message_hash, position, type, text)"
        " select tip_message_hash, 9, 'reasoning', 'It is wet.' from turns where id = ?",
        [turns[1]],
    )
    details = json.dumps({"prompt_tokens_details": {"cached_tokens": 800, "audio_tokens": 0}})
    connection.execute(
        "update turns set token_details = ?, options_json = ?, resolved_model = 'gpt-4o-mini-2024-07-18' where id = ?",
        [details, '{"temperature": 0}', turns[1]],
    )
    connection.execute("insert into schemas values ('s1', '{}')")
    connection.execute("update turns set schema_id = 's1' where id in (?, ?)", [turns[4], turns[5]])
    connection.execute("insert into fragments (hash, content, datetime_utc) values ('abc', 'unused', '2026-09-01')")
    connection.execute("update tools set plugin = 'tides'")
    connection.commit()
    connection.close()
