"""Generate logs of any length, quickly: `python -m benchmarks.generate FILE -n 10000 --as plain`.

llm's own `LogStore` writes every row; it is only prevented from hashing the whole history again for each exchange.
`plain` writes what `llm -c` would write; `named` is the same, made a session by `llm sessions name`; `session` is what
`llm --session` would write: blocks, each beginning with a copy of the newest exchanges.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llm_session_memory.model import Block
    from llm_session_memory.services.bundle import Services

KINDS = ("plain", "named", "session")
NAME = "work"
MODEL = "echo"

_PROMPT_CHARACTERS = 200
_REPLY_CHARACTERS = 600
"""About 50 and 150 tokens, at 4 characters a token."""

_WORDS = """
    about above across after again along anchor answer arch autumn balance barge beam because before below between
    beyond bolt bridge bright budget building bundle cable calm captain carry cement change city clear cliff coast cold
    colour column concrete corner could current deadline deck deep delivery design doubt draft drawing during early
    earth edge engine enough estimate evening every factor ferry figure final first flood flow foot force found
    foundation frame friday from further gate gravel ground harbour heavy height hour however inspection iron island
    joint june keep labour large later launch letter level light limit line load local long lower margin mason
    material measure meeting middle model monday month morning mortar most narrow nearly never north notice number
    office often only open order other paint panel paper part pass pier pile plan plank plaster point pressure price
    quality quarter question quiet rail rain rather reach reason record repair report rest river road roof rope round
    safety salt sand scaffold season second section shadow shape shift shore short signal silver slope slow soil
    south span spring stage stair steel step still stone storm stream street strength summer support surface survey
    tender their there through tide timber time tower traffic train trial tunnel under until upper valley value vault
    view wall water weather week weight weld well west where which while wide wind winter without work would yard
""".split()


_SYLLABLES = (
    "ba be bo da de di fa fo ga go ka ke ki la le lo ma me mi na ne no pa pe po ra re ri sa se so ta te to va".split()
)
_OWN_SHARE = 0.35
"""The share of a text's words that belong to its topic."""


class Talk:
    """A conversation about nothing: prompts and replies of varied English words, always the same for the same seed."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)

    def exchanges(self, count: int) -> Iterator[tuple[str, str]]:
        """Yield `count` prompts, each with its reply."""
        for _ in range(count):
            yield self._text(_PROMPT_CHARACTERS), self._text(_REPLY_CHARACTERS)

    def _text(self, characters: int) -> str:
        wanted = self._random.uniform(0.6, 1.4) * characters
        text = ""
        while len(text) < wanted:
            words = [self._word() for _ in range(self._random.randint(5, 14))]
            text += " ".join(words).capitalize() + self._random.choice(".......?!") + " "
        return text.strip()

    def _word(self) -> str:
        return self._random.choice(_WORDS)


class Topics(Talk):
    """A conversation on a dozen topics that come back, each with its own words besides those that all share."""

    def __init__(self, seed: int = 1, topics: int = 12) -> None:
        super().__init__(seed)
        self._topics = [
            ["".join(self._random.choices(_SYLLABLES, k=self._random.randint(2, 4))) for _ in range(80)]
            for _ in range(topics)
        ]
        self._shared = _WORDS
        self._own: Sequence[str] = ()

    def exchanges(self, count: int) -> Iterator[tuple[str, str]]:
        """Yield `count` prompts, each with its reply; a topic lasts for three to eight of them."""
        left = 0
        for _ in range(count):
            if not left:
                self._own, left = self._random.choice(self._topics), self._random.randint(3, 8)
            left -= 1
            yield self._text(_PROMPT_CHARACTERS), self._text(_REPLY_CHARACTERS)

    def _word(self) -> str:
        rare = min(int(self._random.expovariate(1 / 15)), len(self._own) - 1)  # some of a topic's words are common
        return self._own[rare] if self._random.random() < _OWN_SHARE else self._random.choice(self._shared)


def write(path: Path, count: int, kind: str) -> None:
    """Write a log with one conversation of `count` exchanges with the model `echo`."""
    import sqlite_utils
    from llm.logs import LogStore

    database = sqlite_utils.Database(path)
    LogStore(database)  # llm's migrations
    memory = _prepared(database, path) if kind == "session" else None
    with database.atomic():
        thread_id = _session(memory, database, count) if memory else _plain(database, count)
    database.close()
    if kind == "named":
        command = [sys.executable, "-m", "llm", "sessions", "name", thread_id, NAME, "-d", str(path)]
        subprocess.run(command, check=True, capture_output=True)


def _writer(database: Any) -> Any:
    from llm.logs import LogStore

    class Growing(LogStore):
        """llm's writer, which remembers where the chain before a prompt ends instead of hashing it from the start."""

        tip: str | None = None

        def ensure_chain(self, messages: Any, parent: str | None = None, fragments: Any = None) -> str | None:
            self.tip = super().ensure_chain(messages, parent=parent or self.tip, fragments=fragments)
            return self.tip

    return Growing(database)  # type: ignore[no-untyped-call]  # as llm declares it


def _response(conversation: Any, prompt: str, reply: str) -> Any:
    """Return a finished response, counted like llm-echo does: by words, of the new prompt only."""
    response = conversation.model.prompt(prompt)
    conversation.model.reply = reply
    response.text()
    response.conversation = conversation
    response.set_usage(input=len(prompt.split()), output=len(reply.split()))
    return response


def _conversation() -> Any:
    import llm

    class Canned(llm.Model):
        """A model that replies with its `reply`."""

        model_id = MODEL
        reply = ""

        def execute(self, prompt: Any, stream: bool, response: Any, conversation: Any) -> Iterator[str]:  # noqa: ARG002, FBT001  llm's own signature
            yield self.reply

    return llm.Conversation(model=Canned())


def _plain(database: Any, count: int) -> str:
    conversation, store = _conversation(), _writer(database)
    for prompt, reply in Talk().exchanges(count):
        store.log(_response(conversation, prompt, reply))
    return str(conversation.id)


def _prepared(database: Any, path: Path) -> Services:
    from llm_session_memory.services.bundle import Services
    from llm_session_memory.services.desk import Desk
    from llm_session_memory.store import Log

    memory = Services(Desk(Log(database, path)))
    memory.desk.prepare()
    return memory


def _session(memory: Services, database: Any, count: int) -> str:
    from llm_session_memory.model import Context, Message, Settings, Sized, Window
    from llm_session_memory.rules.policy import budget_for, plan
    from llm_session_memory.rules.recall_budget import shares
    from llm_session_memory.rules.tokens import Measure
    from llm_session_memory.services.record import SentCall
    from llm_session_memory.store.index import Index

    conversation, store = _conversation(), _writer(database)
    memory.sessions.create(NAME, conversation.id, Settings(model=MODEL))
    limit = budget_for(64_000, Window(None, "not known for this model"), None)
    measure = Measure()
    sizes: list[Sized] = []
    texts: list[tuple[str, str]] = []
    block: Block | None = None
    base, after = 0.0, None
    for prompt, reply in Talk().exchanges(count):
        new = measure.base([Message.of_text("user", prompt)])
        if block is None or base + new > limit.tokens:
            fixed = measure.tokens(new)
            chosen = plan("recall", reversed(sizes), [], fixed=fixed, limit=limit, shares=shares(limit.tokens))
            block = _block(chosen.start, limit.tokens)
            kept = texts[len(texts) - len(chosen.recent) :]
            base = measure.base(Message.of_text("user", text) for pair in kept for text in pair)
            _begin_chain(store, kept)
        response = _response(conversation, prompt, reply)
        store.log(response)
        made = Context((), block, None, int(base + new), base + new, limit, after, len(texts))
        memory.record.add(
            conversation.id, [SentCall(response.id, base + new, int(base + new), made, number=len(texts) + 1)], prompt
        )
        block = _known(memory, conversation.id, block)
        own = measure.base(Message.of_text("user", text) for text in (prompt, reply))
        base += own
        texts.append((prompt, reply))
        sizes.append(Sized(len(texts), response.id, measure.tokens(own)))
        after = response.id
    Index(memory.desk.log).catch_up(str(conversation.id))
    return str(conversation.id)


def _block(start: Any, tokens: int) -> Block:
    from llm_session_memory.model import Block
    from llm_session_memory.rules import request

    return Block(
        id=None,
        start_id=start.id if start else None,
        start_number=start.number if start else None,
        pinned=(),
        policy="recall",
        budget=tokens,
        front=request.front(None, ()),
        reason="generated",
    )


def _known(memory: Services, thread_id: str, block: Block) -> Block:
    from llm_session_memory.store import Requests

    found = block if block.id is not None else Requests(memory.desk.log).latest(thread_id)
    assert found is not None
    return found


def _begin_chain(store: Any, kept: Sequence[tuple[str, str]]) -> None:
    import llm

    store.tip = None
    store.ensure_chain([message for prompt, reply in kept for message in (llm.user(prompt), llm.assistant(reply))])


def cached(folder: Path, count: int, kind: str) -> Path:
    """Return a generated log in `folder`, written in a process of its own unless it is there already.

    A process of its own, because the peak memory of whoever starts a process counts for the process as well.
    """
    path = folder / f"{kind}-{count}.db"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        command = [sys.executable, "-m", "benchmarks.generate", str(unfinished), "-n", str(count), "--as", kind]
        subprocess.run(command, check=True, env={**os.environ, "LLM_USER_PATH": str(folder)})
        unfinished.rename(path)
    return path


def main() -> None:
    """Write one log."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("-n", "--exchanges", type=int, default=1_000)
    parser.add_argument("--as", dest="kind", choices=KINDS, default="plain")
    parser.add_argument("--verify", action="store_true", help="let llm derive all hashes again")
    asked = parser.parse_args()
    write(asked.file, asked.exchanges, asked.kind)
    if asked.verify:
        import sqlite_utils
        from llm.logs import LogStore

        broken = LogStore(sqlite_utils.Database(asked.file)).verify()
        sys.exit(f"{len(broken)} messages do not resolve to what was hashed" if broken else 0)


if __name__ == "__main__":
    main()
