"""The workflows in examples/ run with the bundled model, as the docs say."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

from docs import generate
from llm_session_memory import Memory
from llm_session_memory.rules.workflows.editor_schema import editor_schema
from tests.conftest import Command
from tests.imports import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))


@pytest.fixture(name="run")
def _run(llm_: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run an example with the bundled model."""
    monkeypatch.setenv("LLM_SESSIONS_DEMO", "1")
    return lambda name, *more: llm_("sessions", "run", str(ROOT / "examples" / f"{name}.yaml"), *more).ok()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_follows_the_schema_and_is_documented(path: Path) -> None:
    """Each example is valid for editors, and docs/workflows.md tells of it."""
    jsonschema.validate(yaml.safe_load(path.read_text("utf-8")), editor_schema())
    assert f"examples/{path.name}" in (ROOT / "docs" / "workflows.md").read_text("utf-8")


def test_many_files_are_summarised(run: Command, tmp_path: Path) -> None:
    """Each file is asked about with its text, and then all summaries together."""
    for name, text in (("a.md", "A text in words, about lamps."), ("b.md", "A text in words, about ferries.")):
        (tmp_path / name).write_text(text)
    out = run("summarise-files", "-p", "files", str(tmp_path / "*.md"), "-m", "session-demo").out
    assert out.startswith(
        "a.md: You told me: “A text in words, about lamps.”\nb.md: You told me: “A text in words, about fe"
    )
    with Memory() as memory:
        job = memory.jobs.list(1)[0]
        assert len(memory.sessions.exchanges(job.name)) == 3


def test_a_draft_is_revised_only_if_it_is_not_good_enough(run: Command) -> None:
    """The revision is skipped if the critic's score is high enough."""
    for good_enough, state in (("1", "skipped"), ("1000", "done")):
        run("draft-critique-revise", "-p", "topic", "Lamps.", "-p", "good_enough", good_enough, "-m", "session-demo")
        with Memory() as memory:
            items = {item.id: item.state for item in memory.jobs.items(memory.jobs.list(1)[0])}
        assert items == {"draft": "done", "critique": "done", "revision": state}


def test_two_models_classify_the_same_texts(run: Command) -> None:
    """Each text is classified by both models, and the output counts where they agree."""
    out = run("classify-and-compare", "-p", "model_a", "session-demo", "-p", "model_b", "session-demo").out
    assert out.splitlines()[-1] == "session-demo and session-demo agree on 3 of 3 texts."
    assert "same    negative / negative  The ferry was late again" in out


def test_the_schema_for_editors_lies_beside_the_examples() -> None:
    """It is what the command prints, and the examples name it."""
    assert generate.workflow_schema(write=False) == 0
    for path in EXAMPLES:
        assert f"$schema={generate.WORKFLOW_SCHEMA.name}\n" in path.read_text("utf-8")
