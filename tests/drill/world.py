"""A world for one run of a fault: a folder with a log, a server, and the llm processes that the fault starts."""

from __future__ import annotations

import itertools
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from tests.drill import answers
from tests.drill.kept import Kept, kept, recovery_files
from tests.drill.running import HUNG_AFTER, Done, Running, Stuck
from tests.world.ollama_server import OllamaStandIn

T = TypeVar("T")
SESSION = "work"
LLM = str(Path(sys.executable).with_name("llm"))


@dataclass
class Asked:
    """A prompt that a fault had sent, the process that sent it, and what the fault knows about it."""

    tag: str
    running: Running
    must_keep: bool = False  # the prompt must be kept though it never reached the server
    at_least: int = 0  # words of the reply that must be kept, whatever was printed
    recorded: bool = True  # False for `-n`: nothing may be kept


@dataclass
class World:
    """One run. `number` counts the runs of a fault, from 0, and `random` depends on it and on the seed alone."""

    folder: Path
    number: int
    random: random.Random
    template: Path | None
    forks: bool = False  # processes are forked if a fault does not need them to start as they do
    first: int = 1  # number of the first prompt's mark
    broken: bool = False  # the fault breaks the log itself, so it can't be clean
    refuses: bool = False  # the next prompt can't work either
    deaf: bool = False  # stderr is closed or full, so no message can be heard
    accepted: str = ""  # why a traceback is not ours
    asked: list[Asked] = field(default_factory=list)
    done: list[Done] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the folders, and copy the log."""
        self.home = self.folder / "llm"
        self.temporary = self.folder / "tmp"
        for folder in (self.folder, self.temporary, self.folder / "empty"):
            folder.mkdir(parents=True, exist_ok=True)
        if self.template is None:
            self.home.mkdir()
        else:
            shutil.copytree(self.template, self.home)  # with what llm-ollama knows about the models
        self.server = OllamaStandIn(
            [*map(answers.model, ("llama3", "slow"))], reply=answers.answer, default_window=32_768
        )
        self.closing = ExitStack()
        self._tags = itertools.count(self.first)
        self._started: list[Running] = []

    def __enter__(self) -> World:  # noqa: PYI034  Self needs Python 3.11
        """Start the server."""
        self.server.__enter__()
        self.closing.callback(self.server.down)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all processes, and undo what the fault did to the machine."""
        for running in self._started:
            running.stop()
        self.closing.close()

    # -- the log -------------------------------------------------------

    @property
    def log(self) -> Path:
        """The log in this world's home."""
        return self.home / "logs.db"

    def move_home(self, home: Path) -> None:
        """Move the log to another folder, such as a small disk, with all that is beside it."""
        shutil.copytree(self.home, home, dirs_exist_ok=True)
        shutil.rmtree(self.home)
        self.home = home

    @contextmanager
    def locked(self, how: str = "exclusive") -> Iterator[None]:
        """Hold a lock on the log as another program would."""
        with closing(sqlite3.connect(self.log, isolation_level=None, timeout=30)) as other:
            other.execute("begin" if how == "shared" else f"begin {how}")
            if how == "shared":
                other.execute("select count(*) from sqlite_master").fetchone()
            try:
                yield
            finally:
                with suppress(sqlite3.Error):
                    other.execute("rollback")

    def kept_of(self, tag: str) -> str:
        """Return where a prompt is kept: turn, attempt or file, the best of them; or nothing."""
        places = [one.place for one in self.kept() if f"Question {tag}:" in one.prompt]
        return next((place for place in ("turn", "file", "attempt") if place in places), "")

    def kept(self) -> list[Kept]:
        """Return all that is kept."""
        return kept(self.log, self.recovery_files())

    def recovery_files(self) -> list[Path]:
        """Return the files that hold replies which could not be logged, also those that only a message names."""
        said = "\n".join(asked.running.err for asked in self.asked)
        named = [Path(name) for name in re.findall(r"is kept in (/\S+\.json)\.", said)]
        found = [*recovery_files(self.home), *recovery_files(self.temporary), *filter(Path.exists, named)]
        return list(dict.fromkeys(found))

    # -- processes -----------------------------------------------------

    def environment(self, more: Mapping[str, str | None] | None = None) -> dict[str, str]:
        """Return the environment of a process here. A value of None takes a variable away."""
        ours = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "HOME": str(self.folder),
            "TMPDIR": str(self.temporary),
            "LANG": "C.UTF-8",
            "SSL_CERT_DIR": str(self.folder / "empty"),  # or each client reads all certificate authorities
            "NO_PROXY": "127.0.0.1",
            **(more or {}),
        }
        both = {**self.server.environment(self.home), **ours}
        return {name: value for name, value in both.items() if value is not None}

    def tag(self) -> str:
        """Return the mark of the next prompt."""
        return f"q{next(self._tags)}x"

    def ask(  # noqa: PLR0913  what a prompt can have
        self,
        *options: str,
        session: str = SESSION,
        env: Mapping[str, str | None] | None = None,
        before: tuple[str, ...] = (),
        piped: str = "",
        must_keep: bool = False,
        recorded: bool = True,
    ) -> Asked:
        """Start `llm --session` with a new prompt. `before` are words before `llm`, `env` changes its environment."""
        if "-m" in options:
            self.serve(options[options.index("-m") + 1])
        tag = self.tag()
        words = [*before, LLM, "--session", session, *options, answers.question(tag)]
        fork = self.forks and not before and not env
        running = Running(words, self.environment(env), self.folder, typed=piped, tag=tag, fork=fork)
        return self.prompted(running, must_keep, recorded)

    def chat(self, *options: str, prompts: int, session: str = SESSION) -> list[Asked]:
        """Start `llm chat --session`, and type prompts into it."""
        tags = [self.tag() for _ in range(prompts)]
        typed = "".join(f"{answers.question(tag)}\n" for tag in tags)
        command = [LLM, "chat", "--session", session, *options]
        running = Running(command, self.environment(), self.folder, typed=typed, tag=tags[-1], fork=self.forks)
        self._started.append(running)
        self.asked += [Asked(tag, running) for tag in tags]
        return self.asked[-prompts:]

    def prompted(self, running: Running, must_keep: bool = False, recorded: bool = True) -> Asked:
        """Remember a process that sends a prompt."""
        self._started.append(running)
        self.asked.append(Asked(running.tag, running, must_keep, recorded=recorded))
        return self.asked[-1]

    def start(self, command: Sequence[str], env: Mapping[str, str | None] | None = None, typed: str = "") -> Running:
        """Start a command that sends no prompt."""
        self._started.append(Running(command, self.environment(env), self.folder, typed=typed))
        return self._started[-1]

    def shell(self, line: str, env: Mapping[str, str | None] | None = None, seconds: float = HUNG_AFTER) -> Asked:
        """Run a line of shell to its end, in which QUESTION is a new prompt and `llm` the real command."""
        tag = self.tag()
        words = ["/bin/bash", "-c", line.replace("QUESTION", f"'{answers.question(tag)}'")]
        running = Running(words, self.environment(env), self.folder, tag=tag)
        running.command = line
        asked = self.prompted(running)
        running.end(seconds)
        return asked

    def real(self, *arguments: str, env: Mapping[str, str | None] | None = None, typed: str = "") -> Done:
        """Run an llm command by its real name to its end."""
        running = self.start([LLM, *arguments], env, typed)
        done = running.end()
        if running.hung:
            self.troubles.append(f"hangs: {running.command}")
        self.done.append(done)
        return done

    def llm(self, *arguments: str, typed: str = "", remember: bool = True) -> Done:
        """Run an llm command in a fork, which is quicker."""
        running = Running([LLM, *arguments], self.environment(), self.folder, typed=typed, fork=True)
        self._started.append(running)
        done = running.end()
        if running.hung:
            self.troubles.append(f"hangs: {running.command}")
        if remember:
            self.done.append(done)
        return done

    def next_prompt(self, session: str = SESSION, *options: str) -> tuple[str, Done]:
        """Prompt once more; return the mark of the prompt, and what came of it."""
        tag = self.tag()
        return tag, self.llm("--session", session, "-m", "llama3", *options, answers.question(tag))

    def some(self, all_: Sequence[T]) -> Sequence[T]:
        """Return all of some commands that take a start of llm each, or four of them if time is short."""
        return self.random.sample(all_, 4) if self.forks else all_

    # -- the server ----------------------------------------------------

    def serve(self, name: str) -> None:
        """Give the server a model. It has few, since llm-ollama asks about each."""
        model = answers.model(name)
        self.server.models[model.full_name] = model

    def arrived(self, tag: str) -> bool:
        """Return whether a prompt reached the server."""
        return any(answers.tag_of(chat) == tag for chat in self.server.chats)

    def until_arrived(self, asked: Asked) -> None:
        """Wait until a prompt has reached the server."""
        asked.running.until(lambda: self.arrived(asked.tag), "the request")

    # -- the machine ---------------------------------------------------

    def small_disk(self, size: str = "2m") -> Path:
        """Mount a small disk in this world's folder."""
        disk = self.folder / "disk"
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "drill", str(disk)], check=True)
        self.closing.callback(subprocess.run, ["umount", "-l", str(disk)], check=False)
        return disk

    def spoken(self) -> list[Done]:
        """Return what the commands printed that a fault ran to their ends."""
        return [*(asked.running.end() for asked in self.asked), *self.done]

    def expect(self, so: bool, trouble: str) -> None:
        """Note a trouble unless something is so."""
        if not so:
            self.troubles.append(trouble)


def fill(disk: Path, spare: int = 0) -> Path:
    """Write a file that fills a disk, up to some bytes."""
    filler = disk / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 4096)
    if spare:
        with filler.open("r+b") as file:
            file.truncate(max(0, filler.stat().st_size - spare))
    return filler


def grow(disk: Path) -> None:
    """Make a small disk larger."""
    subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)


__all__ = ["LLM", "SESSION", "Asked", "Done", "Running", "Stuck", "World", "fill", "grow"]
