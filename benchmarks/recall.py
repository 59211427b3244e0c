"""How much of the evidence for a question is sent with it: evidence recall on long conversations.

    python -m benchmarks.recall CONVERSATIONS.jsonl [--policy window] [--budget 1000] [--set NAME] [--embed FOLDER]

Each line is a conversation: `set`, `name`, `exchanges` (prompt, response), `questions` (question, evidence as
[exchange number, side], `before` if only earlier exchanges exist when it is asked). Each conversation is imported as a
session, and `memory.requests.context` is called with each question. The evidence recall of a question is the mean over
its evidence messages of the share of their sentences, by length, that the text to send contains verbatim.

FOLDER contains a model of sentence-transformers, for recall by words and by meaning.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from llm_session_memory.interchange.importing import into
from llm_session_memory.memory import Memory
from llm_session_memory.model import Context
from llm_session_memory.services.recall import Embed, Near, Nearness
from llm_session_memory.store.index import Index, Scope

BUDGETS = (1_000, 2_000, 4_000, 8_000)

_SENTENCES = re.compile(r"(?<=[.!?])\s+|\n+")


def sentences(text: str) -> list[str]:
    """Return the sentences and lines of a text."""
    return [found.strip() for found in _SENTENCES.split(text) if found.strip()]


def evidence_recall(evidence: Sequence[str], sent: str) -> float:
    """Return the mean over messages of the share of their sentences, by length, that the sent text contains."""
    shares = []
    for message in evidence:
        parts = sentences(message)
        whole = sum(map(len, parts))
        shares.append(sum(len(part) for part in parts if part in sent) / whole if whole else 1.0)
    return mean(shares) if shares else 1.0


def text_of(made: Context) -> str:
    """Return all text that would be sent."""
    return "\n".join(message.text for message in made.messages)


def imported(log: Path, line: Mapping[str, Any]) -> str:
    """Import a conversation; return its session's name."""
    name = f"{line['set']} {line['name']}"
    file = io.BytesIO("\n".join(json.dumps(exchange) for exchange in line["exchanges"]).encode())
    into(log, file, name, name)
    return name


def embedder(folder: Path) -> Embed:
    """Return a function that makes vectors with a model of sentence-transformers."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu")

    def embed(texts: Sequence[str]) -> list[list[float]]:
        return [list(map(float, vector)) for vector in model.encode(list(texts), show_progress_bar=False)]

    return embed


def answers(  # noqa: PLR0913  a measurement's conditions
    memory: Memory,
    name: str,
    line: Mapping[str, Any],
    budget: int,
    policy: str | None,
    near: Near | None = None,
) -> Iterator[tuple[float, int, float]]:
    """Yield evidence recall, tokens recalled, and seconds of each question."""
    for question in line["questions"]:
        evidence = [line["exchanges"][number - 1][side] for number, side in question["evidence"]]
        began = time.perf_counter()
        made = memory.requests.context(name, question["question"], budget, policy, question.get("before"), near=near)
        took = time.perf_counter() - began
        sent = text_of(made)
        if len(sent) / 4 > budget or made.tokens > budget:
            print(f"{name}: {made.tokens} tokens, {len(sent)} characters at a budget of {budget}", file=sys.stderr)
        recalled = sum(item.tokens for item in made.items if item.fate == "recalled")
        yield evidence_recall(evidence, sent), recalled, took


def by_meaning(memory: Memory, name: str, embed: Embed) -> Near:
    """Embed all passages of a session; return a function that finds those near a prompt, with one call per prompt."""
    memory.desk.prepare()
    thread_id = memory.sessions.get(name).thread_id
    Index(memory.desk.log).catch_up(thread_id)
    nearness = Nearness(memory.desk, "measured", embed)
    nearness.catch_up(thread_id, seconds=None)
    known: dict[str, Mapping[int, float]] = {}

    def near(scopes: Sequence[Scope], prompt: str) -> Mapping[int, float]:
        if prompt not in known:
            known[prompt] = nearness.near(scopes, prompt)
        return known[prompt]

    return near


def main() -> None:
    """Measure and print one line per set and budget."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("conversations", type=Path)
    parser.add_argument("--policy")
    parser.add_argument("--budget", type=int, action="append")
    parser.add_argument("--set", dest="only")
    parser.add_argument("--embed", type=Path)
    given = parser.parse_args()
    embed = embedder(given.embed) if given.embed else None
    found: dict[tuple[str, int], list[tuple[float, int, float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "logs.db"
        lines = [json.loads(line) for line in given.conversations.read_text("utf-8").splitlines()]
        for line in lines:
            if given.only and line["set"] != given.only:
                continue
            name = imported(log, line)
            with Memory(log) as memory:
                near = by_meaning(memory, name, embed) if embed else None
                for budget in given.budget or BUDGETS:
                    found[line["set"], budget].extend(answers(memory, name, line, budget, given.policy, near))
    print("| set | budget | questions | evidence recall, % | tokens recalled | ms, mean |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for (name, budget), measured in sorted(found.items()):
        recalls, tokens, seconds = zip(*measured, strict=True)
        print(
            f"| {name} | {budget:,} | {len(measured):,} | {100 * mean(recalls):.1f} | {mean(tokens):,.0f} |"
            f" {1000 * mean(seconds):.1f} |"
        )


if __name__ == "__main__":
    main()
