"""A plugin that can't list its models, for example because it can't write its cache."""

from __future__ import annotations

from collections.abc import Iterator

import llm
import pytest
from llm.plugins import pm

from tests.conftest import Command


class Unwritable:
    """A plugin whose cache can't be read."""

    @llm.hookimpl
    def register_models(self, register: object) -> None:
        """Fail as llm-ollama does."""
        raise PermissionError(13, "Permission denied", "cache.yaml")


@pytest.fixture(name="unlisted")
def _unlisted() -> Iterator[None]:
    plugin = Unwritable()
    pm.register(plugin)
    yield
    pm.unregister(plugin)


def test_a_model_that_cannot_be_listed_is_one_sentence(unlisted: None, home: object, llm_: Command) -> None:
    """If a model is needed, the error is one sentence that names the file, and the session can be listed."""
    done = llm_("--session", "work", "-m", "some-model", "Hi.")
    assert done.code == 1
    assert "Error: llm's models can't be listed: [Errno 13] Permission denied: 'cache.yaml'." in done.err
    llm_("sessions", "list").ok()
