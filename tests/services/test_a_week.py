"""The law of syncing: whatever happens on two machines in a week, and wherever a push breaks off, all come to the same.

Each example is such a week, played in a second or two: prompts, names, notes, tags, ratings, pins, deletions, forks,
imports, private sessions, clocks that jump, pushes that break off. At the end each machine syncs a few times, and a
newcomer pulls.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from tempfile import mkdtemp

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from llm_session_memory.errors import RemoteFailed, SessionError
from tests.world.laws import PROFILE
from tests.world.machines import EVERYTHING, Machine, Place

machines = st.sampled_from(["desk", "laptop"])
sessions = st.integers(0, 3)
places = st.integers(0, 5)
ROUNDS = 3


class Week(RuleBasedStateMachine):
    """A week on two machines."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(mkdtemp(prefix="week-"))
        self.place = Place(self.folder)
        self.on = {name: self.place.machine(name) for name in ("desk", "laptop")}
        self.hushed: dict[tuple[str, str], list[str]] = {}
        """What was said in private sessions, by machine and thread."""
        self.number = 0

    def teardown(self) -> None:
        """Let all come together, and check what they have."""
        try:
            self.come_together()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def text(self) -> str:
        """Return a text that was never said before."""
        self.number += 1
        return f"text-{self.number}."

    # -- what happens --------------------------------------------------

    @initialize()
    def begin(self) -> None:
        """One machine has two sessions, which the other one pulls."""
        self.on["desk"].new("work", "Hello", self.text())
        self.on["desk"].new("play", "Hello")
        self.on["desk"].push()
        self.on["laptop"].pull()

    @rule(name=machines, session=sessions)
    def prompt(self, name: str, session: int) -> None:
        """Say something in a session."""
        machine, text = self.on[name], self.text()
        if called := machine.session(session):
            thread = machine.thread(called)
            if machine.is_private(called):
                self.hushed.setdefault((name, thread), []).append(text)
            machine.say(thread, text)

    @rule(name=machines, called=st.sampled_from(["new", "again", None]))
    def begin_another(self, name: str, called: str | None) -> None:
        """Begin a session, perhaps of a name that the other machine has too, or a conversation without a name."""
        if called is None or called not in self.on[name].names():
            self.on[name].new(called, self.text())

    @rule(name=machines, session=sessions, place=places, what=st.sampled_from([*Machine.CHANGES]))
    def change(self, name: str, session: int, place: int, what: str) -> None:
        """Change something about a session."""
        machine = self.on[name]
        if called := machine.session(session):
            with suppress(SessionError):  # there is nothing to unpin, the name is taken, and so on
                machine.change(called, what, place, self.text())

    @rule(name=machines, session=sessions, place=places)
    def delete_exchange(self, name: str, session: int, place: int) -> None:
        """Delete an exchange."""
        machine = self.on[name]
        if (called := machine.session(session)) and (turns := machine.prompts(called)):
            machine.delete(called, place % len(turns) + 1)

    @rule(name=machines, session=sessions)
    def delete_session(self, name: str, session: int) -> None:
        """Delete a session."""
        if called := self.on[name].session(session):
            self.on[name].delete(called)

    @rule(name=machines, session=sessions, place=places)
    def fork(self, name: str, session: int, place: int) -> None:
        """Fork a session, and go on in the fork."""
        machine = self.on[name]
        if (called := machine.session(session)) and (turns := machine.prompts(called)):
            machine.fork(called, place % len(turns) + 1, self.text())

    @rule(name=machines, session=sessions)
    def make_private(self, name: str, session: int) -> None:
        """Make a session private, or no longer."""
        machine = self.on[name]
        if called := machine.session(session):
            if machine.is_private(called):
                self.hushed.pop((name, machine.thread(called)), None)
            machine.set_private(called, private=not machine.is_private(called))

    @rule(name=machines, which=st.integers(0, 1), restore=st.booleans())
    def import_(self, name: str, which: int, restore: bool) -> None:
        """Import a conversation that the other machine may import too, under other ids, perhaps a deleted one."""
        machine = self.on[name]
        if f"imported {which}" not in machine.names():
            machine.imported(f"imported {which}", which, restore_deleted=restore)

    @rule(name=machines, hours=st.sampled_from([-100, -3, 5, 200]))
    def jump(self, name: str, hours: int) -> None:
        """Let the clock of a machine jump."""
        self.on[name].clock = timedelta(hours=hours)

    # -- the remote ----------------------------------------------------

    @rule(name=machines)
    def push(self, name: str) -> None:
        """Push."""
        self.on[name].push()

    @rule(name=machines, operations=st.integers(0, 30))
    def push_that_breaks_off(self, name: str, operations: int) -> None:
        """Lose the connection somewhere within a push."""
        self.on[name].remote.breaks_after = operations
        with suppress(RemoteFailed):
            self.on[name].push()
        self.on[name].remote.breaks_after = None
        self.place.server.check()

    @rule(name=machines)
    def pull(self, name: str) -> None:
        """Pull."""
        self.on[name].pull()

    @rule(name=machines)
    def sync(self, name: str) -> None:
        """Pull and push."""
        self.on[name].sync()

    # -- what holds ----------------------------------------------------

    @invariant()
    def nothing_private_is_sent(self) -> None:
        """No text of a session that is private reaches the remote."""
        texts = self.place.server.texts() if self.hushed else ""
        for said in self.hushed.values():
            assert not any(one in texts for one in said)

    def come_together(self) -> None:
        """Sync all a few times, and compare what they have."""
        for _ in range(ROUNDS):
            for machine in self.on.values():
                machine.sync(EVERYTHING)
        newcomer = self.place.machine("newcomer")
        newcomer.pull(EVERYTHING)
        self.nothing_private_is_sent()
        held = {thread for machine in self.on.values() for thread in machine.held()}
        stamps = {one.name: one.stamps(but=held) for one in (*self.on.values(), newcomer)}
        assert stamps["desk"] == stamps["laptop"] == stamps["newcomer"]
        buried = [one.buried() for one in (*self.on.values(), newcomer)]
        assert buried[0] == buried[1] == buried[2]
        for machine in (*self.on.values(), newcomer):
            said = machine.said()
            assert all(self.place.said[id_] == ends for id_, ends in said.items())
            before = machine.remote.calls["writing"]
            machine.push(EVERYTHING)
            assert machine.remote.calls["writing"] == before
            assert machine.wrong() == []


def test_after_a_week_all_machines_have_the_same() -> None:
    """Two machines and a newcomer have the same sessions; nothing deleted came back; nothing private was sent."""
    few = PROFILE != "ci"
    run_state_machine_as_test(
        Week,
        settings=settings(
            max_examples=3 if few else 60,
            stateful_step_count=25,
            phases=[Phase.explicit, Phase.reuse, Phase.generate] if few else [*Phase],
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
