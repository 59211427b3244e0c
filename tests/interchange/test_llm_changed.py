"""What interchange relies on of llm's internals: where it is not there, a sentence says so."""

from __future__ import annotations

import pytest
from llm import logs

from llm_session_memory.errors import SeamBroken
from llm_session_memory.interchange import responses


def test_this_llm_has_all_that_is_relied_on() -> None:
    """The installed llm has what an export and an import use of it."""
    responses.check()


def test_an_llm_without_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where llm lacks a part, it is named, before anything is read or written."""
    monkeypatch.delattr(logs, "resolve_payload")
    with pytest.raises(SeamBroken, match="This llm has no llm.logs.resolve_payload, which import and export rely on."):
        responses.check()
