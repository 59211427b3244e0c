"""How much of the evidence for a question is sent with it: evidence recall on long conversations, in use and cold.

    python -m benchmarks.recall CONVERSATIONS.jsonl [--in-use | --cold] [--every 4] [--half 1] [--set NAME] ...

Each line is a conversation: `set`, `name`, `exchanges` (prompt, response), `questions` (question, evidence as
[exchange number, side], `before` if only earlier exchanges exist when it is asked). The evidence recall of a question
is the mean over its evidence messages of the share of their sentences, by length, that the text to send contains
verbatim.

In use: all but the last 12 exchanges are imported as a session, and those 12 are held through it under the budget.
Then each question is asked as the next prompt, always of the same session, since none of them is logged. Conversations
whose questions have a `before` are left out. “Read again” are the tokens of a request that a server's prompt cache
doesn't have: for the questions, for the last eight of the 12 prompts, and for an everyday conversation of 150 exchanges
on a dozen topics that come back, without its first third.

Cold: all exchanges are imported, and each question is the session's first prompt under the budget.

`--embed` is an embedding model of llm, or a folder with one of sentence-transformers: for recall by words and by
meaning. `--vectors FILE` keeps its vectors for the next run.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks import in_use
from benchmarks.evidence import by_meaning, embedder, evidence_of, evidence_recall, imported, remembering, text_of
from benchmarks.generate import Topics
from benchmarks.machine import table
from llm_session_memory.memory import Memory
from llm_session_memory.model import Context, Settings
from llm_session_memory.services.nearness import Embed, Near

COLD = (1_000, 2_000, 4_000, 8_000)
IN_USE = (2_000, 4_000)
HELD = 12
ORDINARY = 8
"""How many of the exchanges held are measured: the first of them fill the cache."""

EVERYDAY = 150


@dataclass(frozen=True)
class Asked:
    """What came of a question: its evidence recall, the tokens recalled and read again, and the seconds it took."""

    recall: float
    recalled: int
    again: int
    seconds: float


@dataclass(frozen=True)
class Conditions:
    """How everything is measured: policy and share of the sessions, which questions, and the embedding model."""

    policy: str | None = None
    share: float | None = None
    every: int = 1
    embed: Embed | None = None
    embedder: str = ""

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the sessions. Without an embedding model of llm, the prompts held recall by words only."""
        model = self.embedder if self.embed and not Path(self.embedder).is_dir() else "none"
        said = {"memory": self.policy, "recall_share": self.share, "recall_model": model}
        return {name: value for name, value in said.items() if value is not None}

    def near(self, memory: Memory, name: str) -> Near | None:
        """Return what finds passages by meaning, if anything does."""
        return by_meaning(memory, name, self.embed, self.embedder) if self.embed else None


def ask(  # noqa: PLR0913  a measurement's conditions
    memory: Memory,
    name: str,
    line: Mapping[str, Any],
    budget: int,
    conditions: Conditions,
    near: Near | None,
    model: Any = None,
) -> Iterator[tuple[Context, Asked]]:
    """Yield the context of each question and what came of it; with a model, its counts and not characters count."""
    for question in line["questions"][:: conditions.every]:
        began = time.perf_counter()
        made = memory.requests.context(
            name,
            question["question"],
            budget,
            conditions.policy,
            question.get("before"),
            model=model,
            asked=Settings(recall_share=conditions.share),
            near=near,
        )
        took = time.perf_counter() - began
        sent = text_of(made)
        if made.tokens > budget or (model is None and len(sent) / 4 > budget):
            print(f"{name}: {made.tokens} tokens, {len(sent)} characters at a budget of {budget}", file=sys.stderr)
        recalled = sum(item.tokens for item in made.items if item.fate == "recalled")
        yield made, Asked(evidence_recall(evidence_of(line, question), sent), recalled, 0, took)


def cold(
    folder: Path, line: Mapping[str, Any], budgets: Sequence[int], conditions: Conditions
) -> dict[int, list[Asked]]:
    """Return what comes of each question as the first prompt under each budget."""
    log = folder / "cold.db"
    name = imported(log, line)
    with Memory(log) as memory:
        near = conditions.near(memory, name)
        found = {budget: [one for _, one in ask(memory, name, line, budget, conditions, near)] for budget in budgets}
    log.unlink()
    return found


@dataclass(frozen=True)
class Used:
    """A conversation in use under one budget: its questions, and what its own prompts recalled and read again."""

    asked: list[Asked]
    recalled: list[int]
    again: list[int]


def used(folder: Path, line: Mapping[str, Any], budgets: Sequence[int], conditions: Conditions) -> dict[int, Used]:
    """Return what comes of each question as the next prompt of a session in use."""
    base = folder / "all but the last.db"
    name = imported(base, line, without=HELD)
    held = [(one["prompt"], one["response"]) for one in line["exchanges"][-HELD:]]
    if conditions.embed:
        with Memory(base) as memory:
            conditions.near(memory, name)
    found = {}
    for budget in budgets:
        log = Path(shutil.copy(base, folder / "in use.db"))
        with Memory(log) as memory:
            requests = in_use.hold(memory, name, held, max_context_tokens=budget, **conditions.settings)
            again = in_use.all_read_again(requests, [reply for _, reply in held])
            near, model = conditions.near(memory, name), in_use.model([])
            questions = [
                Asked(one.recall, one.recalled, in_use.read_again(requests[-1], held[-1][1], _texts(made)), one.seconds)
                for made, one in ask(memory, name, line, budget, conditions, near, model)
            ]
        found[budget] = Used(questions, in_use.recalled(log)[-ORDINARY:], again[-ORDINARY:])
        log.unlink()
    base.unlink()
    return found


def _texts(made: Context) -> in_use.Texts:
    return [(message.role, message.text) for message in made.messages]


def in_use_table(
    folder: Path, lines: Iterable[Mapping[str, Any]], budgets: Sequence[int], conditions: Conditions
) -> str:
    """Return the table of sessions in use."""
    found: dict[tuple[str, int], list[Used]] = defaultdict(list)
    for line in lines:
        if not any("before" in question for question in line["questions"]):
            for budget, one in used(folder, line, budgets, conditions).items():
                found[line["set"], budget].append(one)
    rows = [[name, f"{budget:,}", *_in_use_row(each)] for (name, budget), each in sorted(found.items())]
    headers = ["set", "budget", "questions", "evidence recall, %", "read again a question (recalled)"]
    return table([*headers, "read again a prompt (recalled)", "ms, mean"], rows)


def _in_use_row(each: Sequence[Used]) -> list[Any]:
    questions = [one for used in each for one in used.asked]
    return [
        len(questions),
        f"{100 * mean(one.recall for one in questions):.1f}",
        f"{mean(one.again for one in questions):,.0f} ({mean(one.recalled for one in questions):,.0f})",
        f"{_mean_of_all(one.again for one in each):,.0f} ({_mean_of_all(one.recalled for one in each):,.0f})",
        f"{1000 * mean(one.seconds for one in questions):.1f}",
    ]


def _mean_of_all(figures: Iterable[Sequence[int]]) -> float:
    return mean(figure for some in figures for figure in some)


def everyday_table(folder: Path, budgets: Sequence[int], conditions: Conditions) -> str:
    """Return the table of the everyday conversation."""
    exchanges = list(Topics().exchanges(EVERYDAY))
    rows: list[list[Any]] = []
    for budget in budgets:
        log = folder / f"everyday {budget}.db"
        one = in_use.everyday(log, exchanges, max_context_tokens=budget, **conditions.settings)
        rows.append(
            [
                f"{budget:,}",
                f"{one.read_again:,.0f}",
                f"{one.recalled:,.0f}",
                f"{one.sent:,.0f}",
                one.fullest,
                one.blocks,
            ]
        )
        log.unlink()
    return table(["budget", "read again a prompt", "recalled", "sent", "fullest request", "blocks"], rows)


def cold_table(folder: Path, lines: Iterable[Mapping[str, Any]], budgets: Sequence[int], conditions: Conditions) -> str:
    """Return the table of first prompts."""
    found: dict[tuple[str, int], list[Asked]] = defaultdict(list)
    for line in lines:
        for budget, measured in cold(folder, line, budgets, conditions).items():
            found[line["set"], budget].extend(measured)
    rows = [
        [
            name,
            f"{budget:,}",
            len(each),
            f"{100 * mean(one.recall for one in each):.1f}",
            f"{mean(one.recalled for one in each):,.0f}",
            f"{1000 * mean(one.seconds for one in each):.1f}",
        ]
        for (name, budget), each in sorted(found.items())
    ]
    return table(["set", "budget", "questions", "evidence recall, %", "tokens recalled", "ms, mean"], rows)


def _lines(file: Path, only: str | None, half: int | None) -> list[dict[str, Any]]:
    """Return the conversations to measure; a half is every other one of each set."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for text in file.read_text("utf-8").splitlines():
        line = json.loads(text)
        if only in (None, line["set"]):
            found[line["set"]].append(line)
    return [line for each in found.values() for line in (each if half is None else each[half - 1 :: 2])]


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("conversations", type=Path)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--in-use", action="store_true", help="only sessions in use")
    which.add_argument("--cold", action="store_true", help="only first prompts")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="ask every N-th question of a conversation")
    parser.add_argument("--half", type=int, choices=(1, 2), help="only the one or the other half of the conversations")
    parser.add_argument("--set", dest="only", metavar="NAME", help="only the conversations of this set")
    parser.add_argument("--policy", help="instead of recall")
    parser.add_argument("--recall-share", type=float, help="instead of the default")
    parser.add_argument("--budget", type=int, action="append", help="may be given several times")
    parser.add_argument("--embed", metavar="MODEL")
    parser.add_argument("--vectors", type=Path, metavar="FILE")
    given = parser.parse_args()
    embed = embedder(given.embed) if given.embed else None
    if embed and given.vectors:
        embed = remembering(embed, given.embed, given.vectors)
    conditions = Conditions(given.policy, given.recall_share, given.every, embed, given.embed or "")
    lines = _lines(given.conversations, given.only, given.half)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not given.cold:
            budgets = given.budget or IN_USE
            print(f"In use:\n\n{in_use_table(folder, lines, budgets, conditions)}\n", flush=True)
            print(f"An everyday conversation:\n\n{everyday_table(folder, budgets, conditions)}\n", flush=True)
        if not given.in_use:
            print(f"Cold:\n\n{cold_table(folder, lines, given.budget or COLD, conditions)}")


if __name__ == "__main__":
    main()
