"""Measure work on several machines: 500 prompts on three workers that are killed at random moments.

    python -m benchmarks.distributed              # 500 prompts, 3 workers, 20 kills
    python -m benchmarks.distributed 2000 4 50    # so many prompts, workers and kills

PostgreSQL and all workers run on this machine. Each worker has a folder of its own as its machine; the model takes
0.3 s. A worker counts as dead after 3 s. At the end, every prompt must have one answer on the server.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.machine import description, table
from llm_session_memory.memory import Memory
from llm_session_memory.model import Settings
from llm_session_memory.model.jobs import Item
from llm_session_memory.model.remotes import RemoteSettings
from llm_session_memory.remotes.distributed.sending import send
from llm_session_memory.remotes.postgres.job_board import Board
from tests.world.postgres_server import Postgres, running
from tests.world.remote_work import Crowd

_JOBS, _SECONDS, _DEAD_AFTER = 4, 0.3, 3
_ANSWERS = """
    select p.text, count(*) from llm_sessions.turns t
    join llm_sessions.parts p on p.message_hash = t.parent_message_hash group by 1
"""


def main(prompts: int = 500, workers: int = 3, kills: int = 20) -> None:
    """Run the job without kills and with them, and print what it took."""
    print(description(), "\n")
    rows = []
    with running() as server:
        for amount in (0, kills):
            with tempfile.TemporaryDirectory(prefix="distributed-") as folder:
                rows.append(_run(server, Path(folder), prompts, workers, amount))
    print(table(["kills", "seconds", "answers", "logged twice", "asked more than once"], rows))


def _run(server: Postgres, folder: Path, prompts: int, workers: int, kills: int) -> list[str]:
    database = server.database()
    address = server.address(database)
    began = time.monotonic()
    with Memory(folder / "logs.db", create=True) as memory:
        memory.desk.prepare()
        session = memory.sessions.create("work", settings=Settings(model="slow"))
        job = memory.jobs.new("batch", "work", {"model": "slow"}, thread_id=session.thread_id)
        items = (Item(job.id, n, f"key {n}", {"prompt": f"prompt {n}"}) for n in range(1, prompts + 1))
        board = Board(address)
        send(board, memory, memory.jobs.add(job, items), memory.jobs.items(job), RemoteSettings("", address))
    sent = time.monotonic() - began
    crowd = Crowd(folder, address, jobs=_JOBS, seconds=_SECONDS, dead_after=_DEAD_AFTER)
    chance = random.Random(1)
    try:
        for _ in range(workers):
            crowd.start()
        began = time.monotonic()
        crowd.kill_at_random(kills, lambda: chance.uniform(0.5, 4), chance)
        while (found := board.job(job.id)) is not None and found.state == "open":
            time.sleep(0.5)
        took = time.monotonic() - began
    finally:
        crowd.end()
        board.close()
    states = dict(server.run("select state, count(*) from llm_sessions.remote_items group by 1", database=database))
    turns = server.run("select count(*), count(distinct id) from llm_sessions.turns", database=database)[0]
    items_of_turns = server.run("select count(distinct turn_id) from llm_sessions.remote_items", database=database)[0][
        0
    ]
    assert states == {"done": prompts}, states
    assert turns == (prompts, prompts), turns
    assert items_of_turns == prompts
    asked = Counter(crowd.asked.read_text().splitlines())
    again = sum(count - 1 for count in asked.values())
    print(f"{prompts} prompts sent in {sent:.1f} s, answered in {took:.0f} s, {crowd.killed - workers} kills")
    return [str(kills), f"{took:.0f}", f"{turns[0]:,}", str(turns[0] - prompts), str(again)]


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
