"""A log as llm makes it, made once: its migrations take longer than a test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interchange.world import copied, new_log


@pytest.fixture(name="template", scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty log."""
    return new_log(tmp_path_factory.mktemp("template") / "logs.db")


@pytest.fixture(name="fresh")
def _fresh(template: Path, tmp_path: Path) -> Path:
    """An empty log of this test's own."""
    return copied(template, tmp_path / "fresh.db")


@pytest.fixture(name="other")
def _other(template: Path, tmp_path: Path) -> Path:
    """Another empty log."""
    return copied(template, tmp_path / "other.db")
