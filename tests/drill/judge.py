"""What a fault did: exchanges and prompts lost, whether the log is clean, and whether each message names what to do."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.drill.health import unclean
from tests.drill.kept import Kept
from tests.drill.running import Done
from tests.drill.world import Asked, World

LAST_SECOND = 1.5
"""Seconds of a reply that may be lost if its process is killed: one, and half of one for a busy machine."""

TRACEBACK = re.compile(r"^Traceback \(most recent call last\)|^Exception ignored|^Fatal Python error", re.MULTILINE)

_DO = (
    "Add Ask Check Choose Close Convert Copy Correct Delete Export Find Free Give Import Keep List Look Make Move Name"
    " Prompt Put Raise Read Remove Rename Repair Replace Retry Run Save See Send Set Start Stop Take Try Update Use"
    " Wait Write"
)
TELLS = re.compile(
    rf"\bllm \S|(?:^|[.;:,?] |\n)(?:or |to )?(?:{_DO.replace(' ', '|')})\b|only on your screen", re.IGNORECASE
)
"""What a message that names what to do has in it: a command of llm, or a sentence that begins with a verb."""

_READING = (("sessions",), ("sessions", "stats"))
"""Commands that must work after any fault: the one opens the log as the store does, the other as the reader does."""

_KILLED = {-signal.SIGKILL, 128 + signal.SIGKILL, -signal.SIGQUIT}
"""Exit codes of processes that could do nothing about their end. SIGQUIT is meant to leave a core dump."""

_QUIET = {-signal.SIGKILL, -signal.SIGQUIT, -signal.SIGPIPE, 128 + signal.SIGPIPE, 128 + signal.SIGKILL}
"""Exit codes of processes that need not say anything."""


@dataclass(frozen=True)
class Verdict:
    """What one run of a fault did."""

    lost_replies: int = 0
    lost_prompts: int = 0
    unclean: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()
    said: str = ""
    broken: bool = False  # by the fault itself

    @property
    def good(self) -> bool:
        """Whether nothing was lost, nothing is broken, and every message is one."""
        return not (self.lost_replies or self.lost_prompts or self.unclean or self.troubles)


def judged(world: World) -> Verdict:
    """Return what a fault did to its world, once all its processes have ended."""
    ended = [asked.running.end() for asked in world.asked]
    nothing_to_say = {id(done) for asked, done in zip(world.asked, ended, strict=True) if _needs_no_words(world, asked)}
    found = world.kept()
    lost = [trouble for asked in world.asked for trouble in _lost(world, asked, found)]
    world.troubles += [f"hangs: {asked.running.command}" for asked in world.asked if asked.running.hung]
    dirty = [] if world.broken else unclean(world.log)
    _go_on(world)
    if not world.broken:
        dirty += [trouble for trouble in unclean(world.log) if trouble not in dirty]
    spoken = [*ended, *world.done]
    troubles = [
        *world.troubles,
        *(text for done in spoken for text in _unclear(world, done, id(done) in nothing_to_say)),
    ]
    return Verdict(
        sum(kind == "reply" for kind, _ in lost),
        sum(kind == "prompt" for kind, _ in lost),
        tuple(dirty),
        (*dict.fromkeys(troubles), *(text for _, text in lost)),
        next((line for done in spoken if done.code and (line := _line(done))), ""),
        world.broken,
    )


def _lost(world: World, asked: Asked, found: Sequence[Kept]) -> Iterator[tuple[str, str]]:
    """Yield what of a prompt and its reply is in no turn, no attempt and no recovery file."""
    running = asked.running
    prompts = [one for one in found if f"Question {asked.tag}:" in one.prompt]
    if not asked.recorded:
        if prompts:
            yield "other", f"{asked.tag} was not to be kept"
        return
    if (asked.must_keep or world.arrived(asked.tag)) and not prompts:
        yield "prompt", f"prompt {asked.tag} is lost: {running.command} (exit code {running.code})"
    words = frozenset(re.findall(rf"\b{asked.tag}-\d+\b", " ".join(one.reply for one in found)))
    killed = running.code in _KILLED
    printed = running.printed(running.ended_at - LAST_SECOND if killed else None, asked.tag)
    wanted = printed | {f"{asked.tag}-{number}" for number in range(asked.at_least)}
    if wanted - words:
        missing = f"{len(wanted - words)} of {len(wanted)} words"
        yield "reply", f"reply {asked.tag} is lost ({missing}): {running.command} (exit code {running.code})"
    elif running.code == 0 and wanted and not any(one.place != "attempt" for one in prompts):
        yield "reply", f"reply {asked.tag} is in no turn, though llm says that all is well: {running.command}"


def _go_on(world: World) -> None:
    """Recover what is in files, and prompt once more: both must work after any fault."""
    for file in world.recovery_files():
        tags = re.findall(r"Question (q\d+x):", file.read_text("utf-8", "replace"))
        done = world.llm("sessions", "recover", str(file), remember=not world.broken)
        if not world.broken:
            world.expect(done.code == 0, f"recover fails: {done.err.strip() or done.out.strip()}")
            world.expect(not tags or world.kept_of(tags[-1]) in {"turn", "attempt"}, f"{file.name} was not recovered")
    for arguments in _READING if world.asked and not world.broken else ():
        done = world.llm(*arguments, remember=False)
        world.expect(done.code == 0, f"does not read: {done.command}: {done.err.strip()}")
    if not world.refuses:
        tag, done = world.next_prompt()
        world.expect(done.code == 0, f"the next prompt fails: {done.err.strip()}")
        world.expect(world.broken or world.kept_of(tag) == "turn", "the next prompt is not logged")


def _needs_no_words(world: World, asked: Asked) -> bool:
    """Return whether a process need not say anything: it was interrupted before it sent, or after it logged."""
    if asked.running.signalled and not asked.recorded:
        return True  # nothing is kept under `-n`, so there is nothing to say
    if asked.running.signalled > 1:
        return True  # the second signal ends the message about the first
    return asked.running.signalled == 1 and (world.kept_of(asked.tag) == "turn" or not world.arrived(asked.tag))


def _unclear(world: World, done: Done, silent: bool) -> Iterator[str]:
    """Yield what is wrong with what a command said: a traceback, or a failure without a way out of it."""
    if TRACEBACK.search(done.err):
        if not world.accepted:
            yield f"traceback: {done.command}: {done.err.strip().splitlines()[-1]}"
    elif done.code and done.code not in _QUIET and not world.deaf and not silent and not TELLS.search(done.err):
        yield f"does not say what to do: {done.command} (exit code {done.code}): {done.err.strip() or 'nothing'}"


def _line(done: Done) -> str:
    """Return the line of stderr that says what happened, and the one after it if it says what to do."""
    lines = [line.strip() for line in done.err.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("Error")] or lines[-1:]
    more = [line for line in lines if line not in errors and "llm " in line and not TELLS.search(errors[0])]
    return " ".join([*errors[:1], *more[-1:]])
