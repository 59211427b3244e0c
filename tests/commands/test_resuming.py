"""The rules of `llm sessions job resume` and its companions for jobs of every kind."""

from __future__ import annotations

from pathlib import Path

from llm_session_memory import Memory
from tests.conftest import Command
from tests.world.scripted import Script


def test_a_rerun_is_a_job_to_go_on_with(llm_: Command, script: Script, log: Path) -> None:
    """What failed of a rerun is asked again by the command for all jobs, into the same session."""
    for prompt in ("One?", "Two?"):
        llm_("-m", "scripted", "--session", "work", prompt).ok()
    script.replies = [ValueError("No.")]
    assert llm_("sessions", "rerun", "work", "-m", "other", "--as", "again").code == 1
    with Memory(log) as memory:
        (job,) = memory.jobs.list()
    script.replies = ["At last."]
    assert "2 prompts done" in llm_("sessions", "job", "retry-failed", job.name).ok().out
    with Memory(log) as memory:
        assert [one.reply for one in memory.sessions.exchanges("again")] == ["At last.", "At last."]


def test_a_workflow_is_a_job_to_go_on_with(llm_: Command, script: Script, log: Path, tmp_path: Path) -> None:
    """A run that failed goes on where it was, and its output is printed."""
    flow = tmp_path / "flow.yaml"
    flow.write_text("model: scripted\nsteps:\n  one:\n    prompt: Hello\n  two:\n    prompt: '{{ steps.one }}?'\n")
    script.replies = ["First.", ValueError("No.")]
    assert llm_("sessions", "run", str(flow)).code == 1
    with Memory(log) as memory:
        (job,) = memory.jobs.list()
    script.replies = ["Last."]
    done = llm_("sessions", "job", "retry-failed", job.name).ok()
    assert done.out.startswith(f"Last.\nJob “{job.name}”: 2 steps done.")


def test_a_workflow_with_commands_is_not_run_unasked(llm_: Command, script: Script, log: Path, tmp_path: Path) -> None:
    """Only `run --allow-shell` runs commands; the hint has the whole command."""
    flow = tmp_path / "flow.yaml"
    flow.write_text("steps:\n  one:\n    shell: exit 1\n")
    assert llm_("sessions", "run", str(flow), "--allow-shell").code == 1
    with Memory(log) as memory:
        (job,) = memory.jobs.list()
    for word in ("retry-failed", "resume"):
        refused = llm_("sessions", "job", word, job.name)
        assert refused.code == 1
        assert f"continue with: llm sessions run --resume {job.name} --allow-shell" in refused.err
        with Memory(log) as memory:
            assert memory.jobs.list() == [job]
