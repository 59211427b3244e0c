"""Places of each kind of remote."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from llm_session_memory.model.remotes import Remote
from tests.remotes.kinds import KINDS, Kind, Opener


@pytest.fixture(scope="session", params=sorted(KINDS))
def kind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kind]:
    """Start what a kind needs, once for all tests."""
    with KINDS[request.param](tmp_path_factory.mktemp("remotes")) as new:
        yield new


@pytest.fixture(name="opener")
def _opener(kind: Kind) -> Opener:
    """A new place."""
    return kind()


@pytest.fixture(name="remote")
def _remote(opener: Opener) -> Iterator[Remote]:
    """A connection to a new place."""
    with closing(opener()) as remote:
        yield remote


@pytest.fixture(name="other")
def _other(opener: Opener) -> Iterator[Remote]:
    """Another connection to the same place."""
    with closing(opener()) as remote:
        yield remote
