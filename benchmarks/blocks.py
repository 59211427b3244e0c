"""What blocks cost and save: bytes in the log, tokens that a server can reuse, and how much of the budget is filled.

`python -m benchmarks.blocks`. Sends 300 exchanges through `llm chat --session` with llm-ollama and the tests' stand-in
Ollama server, at each budget and low-water mark, and compares them with the same exchanges in plain `llm chat`. A
low-water mark of 1 is the naive way: every prompt drops as many of the oldest exchanges as needed. Then does the same
with recall, on a dozen topics that come back.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from benchmarks import machine
from benchmarks.generate import NAME, Talk, Topics

if TYPE_CHECKING:
    from tests.world.ollama_server import Arrived, OllamaStandIn

BUDGETS = (2_000, 4_000, 16_000)
LOW_WATER = (0.3, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 1.0)
MODEL = "llama3"
PLAIN = "plain `llm chat`"
_NAIVE = 1.0
_MARKERS = 4


def count(text: str) -> int:
    """Count tokens like the stand-in does here: 4 characters each, so prompts have about 50 and replies about 150."""
    return -(-len(text) // 4)


@dataclass(frozen=True)
class Held:
    """The measurements of a conversation.

    `size` is the log after `VACUUM INTO`, in bytes. `prefix` is the share of all tokens sent that the previous request
    began with; `cached` also includes the previous reply, which llama.cpp keeps too. `filled` is the mean share of the
    budget that a request used once exchanges were left out, `fullest` the greatest.
    """

    size: int
    prefix: float
    cached: float
    filled: float
    fullest: float
    blocks: int
    cut_by_server: int


@contextmanager
def _world(folder: Path) -> Iterator[OllamaStandIn]:
    """Start the stand-in, and give llm in this process its own home; llm must not be imported before."""
    from tests.world.ollama_server import OllamaModel, OllamaStandIn

    window = 2**20  # so large that the server never cuts: only our own pruning is measured
    with OllamaStandIn([OllamaModel(MODEL, num_ctx=window, trained_window=window)], count=count) as server:
        for name in [name for name in os.environ if name.startswith(("LLM_", "OLLAMA_"))]:
            del os.environ[name]
        os.environ |= server.environment(folder) | {"LLM_LOAD_PLUGINS": "llm-ollama,llm-session-memory"}
        yield server


def hold(server: OllamaStandIn, log: Path, exchanges: Sequence[tuple[str, str]], *session: str) -> list[Arrived]:
    """Run a conversation through `llm chat`; return the requests that arrived."""
    from click.testing import CliRunner
    from llm.cli import cli

    server.unload(MODEL)
    server.reply = [reply for _, reply in exchanges]
    before = len(server.chats)
    lines = "\n".join([*(prompt for prompt, _ in exchanges), "exit\n"])
    command = ["chat", "-m", f"ollama/{MODEL}", "-d", str(log), *session]
    CliRunner().invoke(cli, command, input=lines, catch_exceptions=False)
    arrived = server.chats[before:]
    assert len(arrived) == len(exchanges), f"{len(arrived)} requests for {len(exchanges)} prompts"
    return arrived


def measured(log: Path, arrived: Sequence[Arrived], replies: Sequence[str], budget: int | None) -> Held:
    """Return the measurements of a conversation."""
    sent = sum(one.tokens_after for one in arrived[1:])
    cached = sum(map(_cached, arrived, arrived[1:], replies))
    first_cut = next((number for number, pair in enumerate(pairwise(arrived), 1) if _cut(*pair)), None)
    bounded = [one.tokens_after / budget for one in arrived[first_cut:]] if first_cut and budget else []
    return Held(
        size=_size(log),
        prefix=sum(one.reused_prefix_tokens for one in arrived[1:]) / sent,
        cached=cached / sent,
        filled=statistics.mean(bounded) if bounded else 0.0,
        fullest=max(bounded, default=0.0),
        blocks=_blocks(log) if budget else 0,
        cut_by_server=sum(one.cut is not None for one in arrived),
    )


def _cut(before: Arrived, now: Arrived) -> bool:
    return len(now.messages) < len(before.messages) + 2


def _cached(before: Arrived, now: Arrived, reply: str) -> int:
    """Return the tokens of a request that repeat the previous request and its reply, in whole messages."""
    known = [*before.messages, {"role": "assistant", "content": reply}]
    same = 0
    for old, new in zip(known, now.messages, strict=False):
        if (old["role"], old["content"]) != (new["role"], new["content"]):
            break
        same += _MARKERS + count(str(new["content"]))
    return same


def _size(log: Path) -> int:
    copy = log.with_suffix(".vacuumed")
    with closing(sqlite3.connect(log)) as connection:
        connection.execute("vacuum into ?", [str(copy)])
    return copy.stat().st_size


def _blocks(log: Path) -> int:
    with closing(sqlite3.connect(log)) as connection:
        return int(connection.execute("select count(*) from memory_blocks").fetchone()[0])


def _empty(folder: Path) -> int:
    """Return the size of a log with llm's tables and no rows."""
    import sqlite_utils
    from llm.migrations import migrate

    path = folder / "empty.db"
    database = sqlite_utils.Database(path)
    migrate(database)
    database.close()
    return _size(path)


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", "--exchanges", type=int, default=300)
    parser.add_argument("--budgets", type=int, nargs="*", default=BUDGETS)
    parser.add_argument("--low-water", type=float, nargs="*", default=LOW_WATER)
    asked = parser.parse_args()
    exchanges = list(Talk().exchanges(asked.exchanges))
    replies = [reply for _, reply in exchanges]
    with tempfile.TemporaryDirectory() as name, _world(Path(name)) as server:
        folder = Path(name)
        empty = _empty(folder)
        plain = measured(folder / "plain.db", hold(server, folder / "plain.db", exchanges), replies, None)
        print(f"{machine.description()}. {asked.exchanges} exchanges; sizes after `VACUUM INTO`, less an empty log.\n")
        print(f"{PLAIN}: {(plain.size - empty) / 1000:,.0f} kB added.\n")
        for budget in asked.budgets:
            rows = [_row(server, folder, exchanges, budget, low, plain.size - empty, empty) for low in asked.low_water]
            headers = ["low water", "bytes added, ratio", "prefix of the previous request", "… and its reply"]
            if not asked.low_water:
                continue
            print(f"Budget {budget:,}:\n")
            print(
                machine.table([*headers, "budget filled", "fullest request", "blocks", "cut by the server"], rows),
                "\n",
                flush=True,
            )
        _recall(server, folder, asked.exchanges, asked.budgets, empty)


def _recall(server: OllamaStandIn, folder: Path, count: int, budgets: Sequence[int], empty: int) -> None:
    """Print what recall costs: on topics that come back, and on words that all prompts share."""
    talks: dict[str, Talk] = {"a dozen topics that come back": Topics(), "words that all prompts share": Talk()}
    rows: list[list[Any]] = []
    for label, talk in talks.items():
        exchanges = list(talk.exchanges(count))
        replies = [reply for _, reply in exchanges]
        plain = folder / f"plain {label}.db"
        hold(server, plain, exchanges)
        written = _size(plain) - empty
        for budget in budgets:
            for policy in ("window", "recall"):
                log = folder / f"{budget} {policy} {label}.db"
                flags = ["--session", NAME, "--max-context-tokens", str(budget), "--memory", policy]
                held = measured(log, hold(server, log, exchanges, *flags), replies, budget)
                shares = [f"{share:.3f}" for share in (held.prefix, held.filled, held.fullest)]
                ratio = f"{(held.size - empty) / written:.2f}"
                rows.append([label, f"{budget:,}", policy, ratio, *shares, held.blocks, _recalled(log)])
    headers = ["conversation", "budget", "policy", "bytes added, ratio", "prefix of the previous request"]
    print("Recall:\n")
    print(machine.table([*headers, "budget filled", "fullest request", "blocks", "tokens recalled per prompt"], rows))


def _recalled(log: Path) -> int:
    with closing(sqlite3.connect(log)) as connection:
        total, prompts = connection.execute(
            "select (select sum(tokens) from memory_recalls), (select count(*) from memory_contexts)"
        ).fetchone()
    return round(int(total or 0) / int(prompts))


def _row(  # noqa: PLR0913  a measurement's conditions
    server: OllamaStandIn,
    folder: Path,
    exchanges: Sequence[tuple[str, str]],
    budget: int,
    low: float,
    plain_bytes: int,
    empty: int,
) -> list[Any]:
    from llm_session_memory.rules.policy import LOW_WATER as OURS
    from llm_session_memory.rules.policy import Shares
    from llm_session_memory.services import beginning

    log = folder / f"{budget}-{low}.db"
    flags = ["--session", NAME, "--max-context-tokens", str(budget), "--memory", "window"]
    with patch.object(beginning, "WINDOW", Shares(low=low)):
        arrived = hold(server, log, exchanges, *flags)
    held = measured(log, arrived, [reply for _, reply in exchanges], budget)
    label = "one by one" if low == _NAIVE else f"{low:g}"
    label += " (ours)" if low == OURS else ""
    shares = [f"{share:.3f}" for share in (held.prefix, held.cached, held.filled, held.fullest)]
    return [label, f"{(held.size - empty) / plain_bytes:.2f}", *shares, held.blocks, held.cut_by_server]


if __name__ == "__main__":
    main()
