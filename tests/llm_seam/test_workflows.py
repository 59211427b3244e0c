"""`llm sessions run`: the steps of a workflow are asked in order, side by side, once each, and resumed."""

from __future__ import annotations

import json
import textwrap
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from llm_session_memory import Memory
from llm_session_memory.llm_seam import crew
from llm_session_memory.model.jobs import Item, Job
from llm_session_memory.rules.pacing import backoff
from tests.conftest import Command
from tests.world.scripted import Reply, Script


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all waits after failures be a hundred times shorter."""
    monkeypatch.setattr(crew, "backoff", lambda failures: backoff(failures, lambda: 0.0) / 100)


@pytest.fixture(name="flow")
def _flow(tmp_path: Path, log: Path) -> Callable[[str], str]:
    """Write a workflow's file, and return its path."""
    path = tmp_path / "flow.yaml"

    def write(text: str) -> str:
        path.write_text("model: scripted\n" + textwrap.dedent(text))
        return str(path)

    return write


def answering(script: Script, replies: Mapping[str, Reply]) -> None:
    """Let the model answer each prompt by what it begins with; others get themselves back."""

    def reply(prompt: Any) -> str:
        found = next((one for start, one in replies.items() if prompt.prompt.startswith(start)), prompt.prompt)
        if isinstance(found, BaseException):
            raise found
        return found(prompt) if callable(found) else found

    script.replies = [reply]


def newest() -> tuple[Job, dict[str, Item]]:
    """Return the newest run and its items by name."""
    with Memory() as memory:
        job = memory.jobs.list(1)[0]
        return job, {str(item.id): item for item in memory.jobs.items(job)}


def states() -> dict[str, str]:
    return {name: item.state for name, item in newest()[1].items()}


def asked() -> list[str]:
    """Return the prompts in the session of the newest run."""
    with Memory() as memory:
        return [one.prompt for one in memory.sessions.exchanges(memory.jobs.list(1)[0].name)]


def test_steps_get_what_the_others_answered(flow: Callable[[str], str], llm_: Command, script: Script) -> None:
    """Each step is a turn in the session of the run, without the others before it, and is sent what it mentions."""
    answering(script, {"Outline": '{"parts": ["A", "B"]}', "Write": lambda prompt: prompt.prompt.upper()})
    path = flow("""
        name: book
        system: Be brief.
        steps:
          whole: {prompt: "Join: {{ steps.parts }}", options: {mood: "{{ tone }}"}}
          outline: {prompt: "Outline {{ topic }}.", schema: {type: object, properties: {parts: {type: array}}}}
          parts: {for_each: steps.outline.json.parts, prompt: "Write {{ index }} {{ item }}"}
        inputs: {topic: , tone: {default: calm}}
    """)
    done = llm_("sessions", "run", path, "-p", "topic", "bridges")
    assert done.ok().out == "Join: WRITE 1 A\n\nWRITE 2 B\n"
    job, items = newest()
    assert job.name.startswith("book-20")
    outline, *parts, whole = asked()
    assert (outline, sorted(parts)) == ("Outline bridges.", ["Write 1 A", "Write 2 B"])
    assert script.texts() == [("system", "Be brief."), ("user", whole)]
    assert script.options[-1]["mood"] == "calm"
    assert list(items) == ["outline", "parts", "whole", "parts[1]", "parts[2]"]
    assert (job.state, job.inputs, job.thread_id) == (
        "done",
        {"topic": "bridges", "tone": "calm"},
        items["whole"].thread_id,
    )
    assert items["parts[2]"].needs == (1,)
    assert {item.model for item in items.values()} == {"scripted"}
    assert all(item.turn_id for name, item in items.items() if name != "parts")


def test_a_run_may_be_the_first_thing_in_an_empty_log(
    flow: Callable[[str], str], llm_: Command, script: Script, log: Path
) -> None:
    """An empty file gets llm's tables, as the first prompt of a session gives it them."""
    log.touch()
    answering(script, {})
    assert llm_("sessions", "run", flow("steps: {a: {prompt: Hi}}")).ok().out == "Hi\n"


def test_independent_steps_run_at_the_same_time(flow: Callable[[str], str], llm_: Command, script: Script) -> None:
    """Two steps that each wait for the other to be asked are both answered."""
    both = threading.Barrier(2, timeout=20)

    def reply(prompt: Any) -> str:
        both.wait()
        return str(prompt.prompt)

    answering(script, {"A": reply, "B": reply})
    path = flow("steps: {a: {prompt: A}, b: {prompt: B}, c: {prompt: 'C{{ steps.a }}{{ steps.b }}'}}")
    assert llm_("sessions", "run", path).ok().out == "CAB\n"


def test_a_condition_skips_a_step(flow: Callable[[str], str], llm_: Command, script: Script) -> None:
    """A step whose condition doesn't hold is skipped; the steps that need it run, and see that it was."""
    answering(script, {})
    path = flow("""
        inputs: {deep: {type: boolean, default: false}}
        steps:
          a: {prompt: A, when: deep}
          b: {prompt: "{{ steps.a.text or 'nothing' }}{{ ' skipped' if steps.a.skipped }}"}
          c: {for_each: [1, 2, 3], prompt: "c{{ item }}", when: item != 2}
          d: {for_each: [1], prompt: d, when: deep}
        output: "{{ steps.b }} {{ steps.c.results | map(attribute='text') | list }}"
    """)
    assert llm_("sessions", "run", path).ok().out == "nothing skipped ['c1', '', 'c3']\n"
    found = states()
    assert {name for name, state in found.items() if state == "skipped"} == {"a", "c[2]", "d"}
    assert llm_("sessions", "run", path, "-p", "deep", "yes").ok().out == "A ['c1', '', 'c3']\n"


def test_a_failed_step_stops_the_run_until_it_is_resumed(
    flow: Callable[[str], str], llm_: Command, script: Script
) -> None:
    """By default a failure stops the run. It continues with the failed step; what is done is not asked again."""
    answering(script, {"Two": ValueError("no idea")})
    path = flow(
        "steps: {one: {prompt: One}, two: {prompt: 'Two {{ steps.one }}'}, three: {prompt: '{{ steps.two }}3'}}"
    )
    failed = llm_("sessions", "run", path)
    job, _ = newest()
    assert failed.code == 1
    assert f"Run “{job.name}” is not done. Step “two” failed: " in failed.err
    assert f"llm sessions run --resume {job.name}" in failed.err
    assert states() == {"one": "done", "two": "failed", "three": "waiting"}
    answering(script, {})
    assert llm_("sessions", "run", "--resume", job.name).ok().out == "Two One3\n"
    assert asked() == ["One", "Two One", "Two One3"]
    again = llm_("sessions", "run", path, "--resume", job.id)
    assert again.ok().out == "Two One3\n"
    assert len(script.seen) == 4  # one of them failed


@pytest.mark.parametrize(
    ("on_error", "expected", "output"),
    [
        ("continue", {"b": "done", "c": "done", "d": "done"}, "nothing"),
        ("skip", {"b": "skipped", "c": "skipped", "d": "done"}, ""),
    ],
)
def test_a_workflow_says_what_a_failure_means(  # noqa: PLR0913  fixtures
    flow: Callable[[str], str], llm_: Command, script: Script, on_error: str, expected: dict[str, str], output: str
) -> None:
    """A run goes on without a step that failed, or skips all that need it; others are asked in both cases."""
    answering(script, {"A": ValueError("no idea")})
    path = flow(f"""
        steps:
          a: {{prompt: A, on_error: {on_error}}}
          b: {{prompt: "{{{{ steps.a.text or 'nothing' }}}}"}}
          c: {{prompt: "{{{{ steps.b }}}}"}}
          d: {{prompt: D}}
        output: "{{{{ steps.c }}}}"
    """)
    done = llm_("sessions", "run", path)
    assert states() == {"a": "failed", **expected}
    assert done.out.strip() == output
    assert done.code == (on_error == "skip")
    assert "Step “a” failed: no idea" in done.err


def test_a_step_is_tried_again(flow: Callable[[str], str], llm_: Command, script: Script) -> None:
    """An answer that doesn't follow its schema, or a failure, is tried again as often as the step says."""
    replies = iter(["no JSON", '{"m": 1}', '```json\n{"n": 7}\n```'])
    answering(script, {"A": lambda _: next(replies)})
    path = flow("steps: {a: {prompt: A, schema: n int, retry: 2}, b: {prompt: 'n={{ steps.a.json.n + 1 }}'}}")
    assert llm_("sessions", "run", path).ok().out == "n=8\n"
    replies = iter(["no JSON", '{"m": 1}'])
    done = llm_("sessions", "run", flow("steps: {a: {prompt: A, schema: n int, retry: 1}}"))
    assert "The answer doesn't follow the schema: it lacks n." in done.err


def test_a_command_runs_only_if_it_is_allowed(
    flow: Callable[[str], str], llm_: Command, script: Script, tmp_path: Path
) -> None:
    """Without --allow-shell nothing is begun. Values reach a command through stdin and env, never as its text."""
    answering(script, {"A": "$(touch made); `touch made`"})
    path = flow("""
        steps:
          a: {prompt: A}
          b: {shell: 'cat; printf %s "$X"', stdin: "{{ steps.a }}|", env: {X: "{{ steps.a }}"}}
          c: {shell: "printf '[1, 2]'"}
          d: {for_each: steps.c.json, prompt: "{{ item }}"}
          e: {shell: "echo wrong >&2; exit 3", on_error: continue}
          f: {shell: "sleep 60", timeout: 0.1, on_error: continue}
        output: "{{ steps.b }} {{ steps.d }} {{ steps.e.error }} {{ steps.f.error }}"
    """)
    refused = llm_("sessions", "run", path)
    assert 'Step “b” runs a command: “cat; printf %s "$X"”.' in refused.err
    assert not script.seen
    told = llm_("sessions", "run", path, "--dry-run").ok().out
    assert "\ne, a command:\necho wrong >&2; exit 3\n" in told
    done = llm_("sessions", "run", path, "--allow-shell")
    text = "$(touch made); `touch made`"
    assert done.ok().out == (
        f"{text}|{text} 1\n\n2 The command ended with exit status 3: wrong"
        " The command took longer than 0.1 seconds. Give the step a longer timeout.\n"
    )
    job, items = newest()
    assert items["b"].output == f"{text}|{text}"
    refused = llm_("sessions", "run", "--resume", job.name)
    assert "runs a command" in refused.err


def test_nothing_is_sent_if_something_is_wrong(
    flow: Callable[[str], str], llm_: Command, script: Script, log: Path
) -> None:
    """Unknown models, options, tools, templates and files are mistakes with lines, like unknown names."""
    path = flow("""
        steps:
          a: {prompt: A, model: no-model}
          b: {prompt: B, options: {no: 1}}
          c: {prompt: C, tools: no_tool}
          d: {prompt: D, template: no-template}
          e: {prompt: E, fragments: [no-fragment]}
          f: {prompt: F, attachments: "{{ item }}", for_each: [x]}
          g: {prompt: G, attachments: no-file.png}
    """)
    done = llm_("sessions", "run", path, "--dry-run")
    assert [line.partition(":")[0] for line in done.err.splitlines()][:6] == [
        f"Line {line} of flow.yaml" for line in (4, 5, 6, 7, 8, 10)
    ]
    assert "flow.yaml has 6 mistakes. Nothing was sent." in done.err
    done = llm_("sessions", "run", flow("steps: {a: {prompt: '{{ b }}'}}"))
    assert "Error: Line 2 of flow.yaml: The template uses “b”, but there is no such input." in done.err
    assert not script.seen
    assert not log.exists()


def test_a_dry_run_says_what_would_be_sent(flow: Callable[[str], str], llm_: Command, script: Script) -> None:
    """A dry run prints the graph, and the prompts that don't depend on an answer."""
    path = flow("steps: {a: {prompt: 'A {{ input }}'}, b: {prompt: '{{ steps.a }}'}}")
    done = llm_("sessions", "run", path, "--dry-run", input="piped")
    assert done.ok().out.endswith("\na:\nA piped\n\nIt would send 2 prompts. Nothing was sent.\n")
    assert (
        llm_("sessions", "run", path, "--show").ok().out.splitlines()[-1] == "   2  b  prompt; model scripted; after a"
    )
    assert "Input “input”" in llm_("sessions", "run", path).err
    assert not script.seen


def test_editors_get_the_format(llm_: Command, log: Path) -> None:
    """The JSON schema of the file format is printed."""
    assert "steps" in json.loads(llm_("sessions", "run", "--json-schema").ok().out)["properties"]


def test_a_step_can_be_asked_in_another_session(flow: Callable[[str], str], llm_: Command, script: Script) -> None:
    """A step with a session is asked there, with its history, and the session is created if it is new."""
    llm_("--session", "work", "-m", "scripted", "The deadline is 4 May.").ok()
    path = flow(
        "steps: {a: {prompt: When?, session: work}, b: {prompt: B, session: new}, c: {prompt: '{{ steps.a }}!'}}"
    )
    answering(script, {"When": lambda prompt: str(len(prompt.messages))})
    assert "3!" in llm_("sessions", "run", path).ok().out
    with Memory() as memory:
        assert [one.prompt for one in memory.sessions.exchanges("work")] == ["The deadline is 4 May.", "When?"]
        assert [one.prompt for one in memory.sessions.exchanges("new")] == ["B"]


def test_a_template_of_llm_and_fragments(
    flow: Callable[[str], str], llm_: Command, script: Script, tmp_path: Path, home: Path
) -> None:
    """A step can use llm's template, with its prompt as $input, and files as fragments."""
    (home / "templates").mkdir()
    (home / "templates" / "sum.yaml").write_text("system: Sum up $how.\nprompt: 'Text: $input'\n")
    (tmp_path / "one.md").write_text("First.")
    path = flow("""
        inputs: {papers: {type: files}}
        steps:
          a: {for_each: papers, prompt: "No. {{ index }}", fragments: "{{ item }}", template: sum, params: {how: well}}
    """)
    assert llm_("sessions", "run", path, "-p", "papers", str(tmp_path / "*.md")).ok()
    assert script.texts() == [("system", "Sum up well."), ("user", "First.\nText: No. 1")]


def test_a_run_keeps_the_file_that_it_began_with(flow: Callable[[str], str], llm_: Command, script: Script) -> None:
    """A resumed run follows its own text; a file that has changed meanwhile is refused with a sentence."""
    answering(script, {"A": ValueError("no idea")})
    llm_("sessions", "run", flow("steps: {a: {prompt: A}}"))
    path = flow("steps: {a: {prompt: B}}")
    done = llm_("sessions", "run", path, "--resume", newest()[0].name)
    assert "flow.yaml has changed since run" in done.err
    assert "not the run of a workflow" not in done.err


def test_the_commands_of_jobs_continue_a_run(flow: Callable[[str], str], llm_: Command, script: Script) -> None:
    """`job resume` stops again at what failed, `job retry-failed` goes on; a run with commands needs --allow-shell."""
    answering(script, {"A": ValueError("no idea")})
    llm_("sessions", "run", flow("steps: {a: {prompt: A}, b: {prompt: 'B {{ steps.a }}'}}"))
    name = newest()[0].name
    assert "Step “a” failed: no idea" in llm_("sessions", "job", "resume", name).err
    answering(script, {})
    assert "2 steps done" in llm_("sessions", "job", "retry-failed", name).ok().out
    assert asked() == ["A", "B A"]
    failed = llm_("sessions", "run", flow("steps: {a: {shell: 'test -e there'}}"), "--allow-shell")
    assert "The command ended with exit status 1." in failed.err
    refused = llm_("sessions", "job", "retry-failed", newest()[0].name)
    assert f"llm sessions run --resume {newest()[0].name} --allow-shell" in refused.err


@pytest.mark.parametrize("deleted", ["other", "whole --exchange 1"])
def test_nothing_of_a_deleted_answer_is_left_in_its_run(
    deleted: str, flow: Callable[[str], str], llm_: Command, log: Path, script: Script
) -> None:
    """The run goes with a deleted answer, because outputs of commands and items of lists hold what they made of it."""
    answering(script, {"Facts": "Vasco sailed"})
    session = "session: other" if deleted == "other" else ""
    path = flow(f"""
        name: whole
        steps:
          facts: {{prompt: Facts please, {session}}}
          upper: {{shell: "tr a-z A-Z", stdin: "{{{{ steps.facts.text }}}}"}}
          each: {{for_each: "[steps.facts.text]", prompt: "Number {{{{ index }}}}"}}
    """)
    llm_("sessions", "run", path, "--allow-shell").ok()
    name, *rest = deleted.split()
    llm_("sessions", "delete", newest()[0].name if name == "whole" else name, *rest, "--yes", "--erase").ok()
    assert b"vasco" not in log.read_bytes().lower()
    llm_("sessions", "check").ok()
