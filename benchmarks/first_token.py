"""The time to the first token on a real llama.cpp: recall, `window`, and dropping one exchange a prompt.

    python -m benchmarks.first_token hold CONVERSATIONS.jsonl REQUESTS.jsonl [--design recall] [--as NAME] ...
    python -m benchmarks.first_token read REQUESTS.jsonl MODEL.gguf [--count]

`hold` sends prompts through sessions and keeps the requests. Of each conversation (lines as in `benchmarks.recall`),
all but the last 24 exchanges are imported; those 24 are held under the budget, and then ten of its questions in a row.
It adds to the file, so that the requests of another version of the package can be put beside those of this one.

`read` needs only llama-cpp-python. It gives the requests to the model in turn, as a server with one slot does: what
begins like the previous request and its reply is in the prompt cache, and the rest is evaluated, on one thread, so that
its processor time is what it costs even if the machine is busy. `--count` only counts tokens, which takes no time.
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
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Any

BUDGETS = (1_500, 2_000, 4_000)
HELD = 24
FIRST = 8
"""How many of the exchanges held are not measured, because they fill the cache."""

QUESTIONS = 10
SPOKEN = 24
"""The tokens of a reply in the figures for whole prompts."""

ANSWER = "Yes, you told me about that a while ago, and I think it still holds as far as I can see from here."
"""The reply to each question."""

_FENCE = "<earlier-conversation>"
"""The text that excerpts begin with. (Reading needs only llama-cpp-python, so it isn't imported.)"""

ONE_BY_ONE = "one by one"
DESIGNS = ("recall", "window", ONE_BY_ONE)
ASKED, SOME, NONE = "questions about the past", "ordinary, recall something", "ordinary, recall nothing"
"""Kinds of prompts. An ordinary one recalls something if it does in the sessions called “recall”."""


# -- holding conversations ---------------------------------------------


def held(
    folder: Path, line: Mapping[str, Any], design: str, budgets: Sequence[int], share: float | None
) -> Iterator[dict[str, Any]]:
    """Yield the requests of a conversation under each budget, with the replies that they got."""
    from unittest.mock import patch

    from benchmarks import in_use
    from benchmarks.evidence import imported
    from llm_session_memory.memory import Memory
    from llm_session_memory.rules.policy import WINDOW, Shares
    from llm_session_memory.services import beginning

    base = folder / "all but the last.db"
    name = imported(base, line, without=HELD)
    exchanges = [(one["prompt"], one["response"]) for one in line["exchanges"][-HELD:]]
    exchanges += [(one["question"], ANSWER) for one in line["questions"][:QUESTIONS]]
    low = Shares(low=1.0) if design == ONE_BY_ONE else WINDOW
    settings = {"memory": "recall", "recall_share": share} if design == "recall" else {"memory": "window"}
    for budget in budgets:
        log = Path(shutil.copy(base, folder / "held.db"))
        with Memory(log) as memory, patch.object(beginning, "WINDOW", low):
            requests = in_use.hold(memory, name, exchanges, max_context_tokens=budget, **settings)
        yield {"budget": budget, "name": name, "requests": requests, "replies": [reply for _, reply in exchanges]}
        log.unlink()
    base.unlink()


def hold(given: argparse.Namespace) -> None:
    """Hold conversations, and add their requests to a file."""
    lines = [json.loads(text) for text in given.conversations.read_text("utf-8").splitlines()]
    chosen = [line for line in lines if line["set"] == given.only and "before" not in line["questions"][0]]
    with given.requests.open("a", encoding="utf-8") as file, tempfile.TemporaryDirectory() as name:
        for line in chosen[: given.conversations_most]:
            for design in given.design or DESIGNS:
                label = given.label if design == "recall" and given.label else design
                for one in held(Path(name), line, design, given.budget or BUDGETS, given.recall_share):
                    file.write(json.dumps({"design": label, **one}) + "\n")


# -- reading requests --------------------------------------------------


@dataclass(frozen=True)
class Read:
    """One request as the model read it: the tokens evaluated, and the seconds to the first token and of each later one.

    Seconds are of the processor; they are 0 if tokens were only counted.
    """

    kind: str
    tokens: int
    first: float
    each: float


class Reader:
    """A model with one slot, whose prompt cache has the previous request and its reply."""

    def __init__(self, path: Path, *, counting: bool) -> None:
        from llama_cpp import Llama

        self._counting = counting
        self._llama = Llama(
            str(path),
            n_ctx=8_192,
            n_threads=1,
            n_threads_batch=1,
            vocab_only=counting,
            swa_full=True,  # gemma's sliding window would make a server forget the prefix
            verbose=False,
        )
        self._cached: list[int] = []
        self._tokens = cache(self._tokenized)

    def forget(self) -> None:
        """Forget what is in the prompt cache."""
        self._cached = []

    def _tokenized(self, text: str) -> list[int]:
        return list(self._llama.tokenize(text.encode(), add_bos=False, special=True))

    def read(self, kind: str, request: Sequence[Sequence[str]], reply: str) -> Read:
        """Read a request, and put the reply into the cache as if the model had said it."""
        wanted = [token for role, text in request for token in self._tokens(f"<start_of_turn>{_ROLES[role]}\n{text}")]
        spoken = self._tokens(f"<start_of_turn>model\n{reply}")
        opening = self._tokens("<start_of_turn>model\n")
        wanted += opening
        same = next(
            (place for place, pair in enumerate(zip(self._cached, wanted, strict=False)) if pair[0] != pair[1]),
            min(len(self._cached), len(wanted)),
        )
        new = wanted[min(same, len(wanted) - 1) :]
        first = self._evaluated(len(wanted) - len(new), new)
        rest = spoken[len(opening) :]
        each = self._evaluated(len(wanted), rest[:1])
        self._evaluated(len(wanted) + 1, rest[1:])
        self._cached = [*wanted, *rest]
        return Read(kind, len(new), first, each)

    def _evaluated(self, past: int, tokens: Sequence[int]) -> float:
        """Evaluate tokens after the first `past` of the cache; return the processor's seconds."""
        if self._counting or not tokens:
            return 0.0
        self._llama._ctx.kv_cache_seq_rm(-1, past, -1)  # noqa: SLF001  as Llama.generate does
        self._llama.n_tokens = past
        began = time.process_time()
        self._llama.eval(tokens)
        return time.process_time() - began


_ROLES = {"system": "user", "user": "user", "assistant": "model"}


def read(given: argparse.Namespace) -> None:
    """Let the model read all requests, and print the table."""
    found: dict[tuple[int, str, str], list[Read]] = defaultdict(list)
    lines = [json.loads(text) for text in given.requests.read_text("utf-8").splitlines()]
    recalling = {
        (line["budget"], line["name"], number)
        for line in lines
        if line["design"] == "recall"
        for number, request in enumerate(line["requests"])
        if _FENCE in request[-1][1]
    }
    reader = Reader(given.model, counting=given.count)
    for line in lines:
        if given.names and line["name"] not in given.names:
            continue
        reader.forget()
        for number, (request, reply) in enumerate(zip(line["requests"], line["replies"], strict=True)):
            kind = ASKED if number >= HELD else SOME
            if kind == SOME and (line["budget"], line["name"], number) not in recalling:
                kind = NONE
            one = reader.read(kind, request, reply)
            if number >= FIRST:
                found[line["budget"], kind, line["design"]].append(one)
        print(line["name"], line["budget"], line["design"], file=sys.stderr, flush=True)
    print(table(found))


def table(found: Mapping[tuple[int, str, str], Sequence[Read]]) -> str:
    """Return the table: tokens evaluated, and the times, each with its ratio to `window`."""
    from benchmarks.machine import table as markdown

    rows = []
    for (budget, kind, design), each in sorted(found.items()):
        window = found.get((budget, kind, "window"), each)
        tokens = mean(one.tokens for one in each)
        first, whole = _ms(each)
        base_first, base_whole = _ms(window)
        rows.append(
            [
                f"{budget:,}",
                kind,
                design,
                f"{tokens:,.0f} ({tokens / mean(one.tokens for one in window):.2f})",
                *(
                    [f"{first:,.0f} ({first / base_first:.2f})", f"{whole:,.0f} ({whole / base_whole:.2f})"]
                    if first
                    else ["", ""]
                ),
            ]
        )
    headers = ["budget", "prompts", "design", "tokens read (ratio to `window`)", "first token, ms"]
    return markdown([*headers, f"with {SPOKEN} tokens of reply, ms"], rows)


def _ms(each: Iterable[Read]) -> tuple[float, float]:
    reads = list(each)
    first = 1000 * mean(one.first for one in reads)
    return first, first + SPOKEN * 1000 * mean(one.each for one in reads)


def main() -> None:
    """Hold conversations, or read their requests."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    holding = commands.add_parser("hold")
    holding.add_argument("conversations", type=Path)
    holding.add_argument("requests", type=Path)
    holding.add_argument("--design", choices=DESIGNS, action="append", help="may be given several times")
    holding.add_argument("--as", dest="label", help="what to call recall, as another version of the package does it")
    holding.add_argument("--budget", type=int, action="append", help="may be given several times")
    holding.add_argument("--recall-share", type=float, help="instead of the default")
    holding.add_argument("--set", dest="only", default="locomo", metavar="NAME")
    holding.add_argument("-n", dest="conversations_most", type=int, help="only the first N conversations")
    holding.set_defaults(run=hold)
    reading = commands.add_parser("read")
    reading.add_argument("requests", type=Path)
    reading.add_argument("model", type=Path)
    reading.add_argument("--count", action="store_true", help="only count tokens")
    reading.add_argument(
        "--name", dest="names", action="append", help="only this conversation; may be given several times"
    )
    reading.set_defaults(run=read)
    given = parser.parse_args()
    given.run(given)


if __name__ == "__main__":
    main()
