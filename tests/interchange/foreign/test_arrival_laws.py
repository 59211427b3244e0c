"""Whatever came before: when an export is imported, its branches are in the log, each exchange once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.interchange.foreign import chatgpt
from llm_session_memory.interchange.foreign.arriving import into
from llm_session_memory.interchange.foreign.source import SourceFile
from llm_session_memory.memory import Memory
from tests.interchange.foreign.chatgpt_world import Tree, export
from tests.interchange.world import copied, rows
from tests.world.laws import tried


def _exported(path: Path, parents: list[int], seen: int) -> Path:
    """Write an export of a tree of exchanges, given by the parent of each. The exchange `seen` was seen last."""
    tree = Tree("x")
    for number, parent in enumerate(parents, 1):
        tree.said(number, f"Q{number}", f"A{number}", f"a{parent}" if parent else "system")
    return export(path, tree.value(current_node=f"a{seen}"))


def _branches(parents: list[int]) -> set[tuple[str, ...]]:
    """Return the prompts of each branch of a tree."""
    found = set()
    for leaf in set(range(1, len(parents) + 1)) - set(parents):
        path, node = [], leaf
        while node:
            path.append(f"Q{node}")
            node = parents[node - 1]
        found.add(tuple(path[::-1]))
    return found


def _sessions(log: Path) -> list[tuple[str, ...]]:
    with Memory(log) as memory:
        return [tuple(one.prompt for one in memory.sessions.exchanges(name, 1, 99)) for name in memory.sessions.names()]


@tried(100, 6)
@given(data=st.data())
def test_every_branch_is_a_session(
    template: Path, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Of a tree that grows, any exports are imported; whatever branch was seen last, nothing is there twice."""
    parents = [data.draw(st.integers(0, number), label="parent") for number in range(data.draw(st.integers(1, 7)))]
    folder = tmp_path_factory.getbasetemp()
    log = copied(template, folder / "laws.db")
    sizes = sorted(data.draw(st.sets(st.integers(1, len(parents)), max_size=3), label="exports") | {len(parents)})
    for size in sizes:
        seen = data.draw(st.integers(1, size), label="seen last")
        path = _exported(folder / "laws.zip", parents[:size], seen)
        into(log, SourceFile(path), chatgpt.FORMAT)
        assert not into(log, SourceFile(path), chatgpt.FORMAT).arrived
    branches = _branches(parents)
    sessions = _sessions(log)
    assert branches <= set(sessions)
    assert len(sessions) == len(set(sessions))
    assert all(any(branch[: len(one)] == one for branch in branches) for one in sessions)
    assert rows(log, "select count(*) from turns") == [(len(parents),)]
