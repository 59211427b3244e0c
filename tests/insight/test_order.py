"""The rule of the order of canned queries' rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm_session_memory.insight.catalogue import catalogue
from llm_session_memory.reader.open_log import opened
from tests.world.at_random import write_at_random

GIVEN = {"session": "s1", "exchange": "2", "days": "9999", "most": "3", "least": "2", "group": "piers", "q": "pier"}


@pytest.mark.parametrize("given", [GIVEN, {}], ids=["given", "nothing"])
def test_no_row_of_a_query_could_be_in_another_place(tmp_path: Path, given: dict[str, str]) -> None:
    """Rows with equal figures have an order too, so that a query gives the same rows on every server."""
    path = tmp_path / "logs.db"
    write_at_random(path, 4, rows=60)
    differing = []
    with opened(path) as source:
        for query in catalogue().values():
            asked = {name: given.get(name, "") for name, _ in query.parameters}
            found = []
            for backwards in (0, 1):
                source.connection.execute(f"pragma reverse_unordered_selects = {backwards}")
                found.append(source.answer(query.text(source.tables), asked))
            if found[0] != found[1]:
                differing.append(query.short_name)
    assert differing == []
