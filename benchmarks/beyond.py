"""Recall from other sessions: how much of the evidence is found with `--recall-from all` among many conversations.

    python -m benchmarks.beyond CONVERSATIONS.jsonl [--every 8] [--set locomo] [--weight 0.4] [--least 0.5]

All conversations (lines as in benchmarks/recall.py) become sessions of one log. Each question is asked in its own
session without and with `all`: what the excerpts of others take away; in the next session of its set: what comes from
elsewhere in spite of a history of its own; and in a session without history.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.evidence import evidence_of, evidence_recall, imported, text_of
from benchmarks.machine import table
from llm_session_memory.memory import Memory
from llm_session_memory.model import Settings
from llm_session_memory.rules import ranking

BUDGETS = (2_000, 4_000)
EMPTY = "a new session"


def measured(  # noqa: PLR0913  a measurement's conditions
    memory: Memory,
    asked_in: Mapping[str, str],
    lines: Sequence[Mapping[str, Any]],
    source: str,
    budget: int,
    every: int,
) -> list[object]:
    """Return evidence recall in percent, and the tokens of the excerpts of the session and of others."""
    found, own, others = [], [], []
    for line in lines:
        for question in line["questions"][::every]:
            name = asked_in[line["name"]]
            made = memory.requests.context(name, question["question"], budget, asked=Settings(recall_from=source))
            found.append(evidence_recall(evidence_of(line, question), text_of(made)))
            own.append(sum(one.tokens for one in made.recalled if one.thread_id is None))
            others.append(sum(one.tokens for one in made.recalled if one.thread_id is not None))
    return [len(found), f"{100 * mean(found):.1f}", f"{mean(own):,.0f}", f"{mean(others):,.0f}"]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("conversations", type=Path)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="ask every N-th question of a conversation")
    parser.add_argument("--set", dest="only", default="locomo", metavar="NAME", help="ask the questions of this set")
    parser.add_argument("--weight", type=float, default=ranking.BEYOND_WEIGHT)
    parser.add_argument("--least", type=float, default=ranking.BEYOND_LEAST)
    given = parser.parse_args()
    lines = [json.loads(text) for text in given.conversations.read_text("utf-8").splitlines()]
    ranking.favouring.__defaults__ = (given.weight, given.least)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "logs.db")
        names = {line["name"]: imported(log, line) for line in lines}
        asked = [line for line in lines if line["set"] == given.only]
        following = dict(zip(names, [*list(names.values())[1:], next(iter(names.values()))], strict=True))
        with Memory(log) as memory:
            memory.desk.prepare()
            memory.sessions.create(EMPTY)
            places = {"its own session": names, "another session": following, EMPTY: dict.fromkeys(names, EMPTY)}
            rows = [
                [place, source, f"{budget:,}", *measured(memory, where, asked, source, budget, given.every)]
                for place, where in places.items()
                for source in (("self", "all") if where is names else ("all",))
                for budget in BUDGETS
            ]
    print(
        table(["asked in", "recall from", "budget", "questions", "evidence recall, %", "own tokens", "others'"], rows)
    )


if __name__ == "__main__":
    main()
