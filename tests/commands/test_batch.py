"""The rules of `llm sessions batch`, from a file of prompts to a file of answers."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import llm
import pytest

from llm_session_memory import Memory
from llm_session_memory.commands.working import shown
from llm_session_memory.llm_seam.working import JobProgress
from llm_session_memory.model.jobs import Job
from tests.conftest import Command
from tests.world.scripted import Script


@pytest.fixture(name="folder")
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _write(name: str, *lines: dict[str, Any] | str) -> str:
    texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    Path(name).write_text("".join(f"{text}\n" for text in texts))
    return name


def _repeat(prompt: llm.Prompt) -> str:
    if "fail" in prompt.prompt:
        raise ValueError("I won't.")
    return f"{prompt.prompt}!"


def test_every_line_is_asked_alone_and_logged(llm_: Command, folder: Path, script: Script) -> None:
    """Each prompt is sent without those before it; the answers are turns of one session, which is called as the job."""
    script.replies = [_repeat]
    done = llm_("sessions", "batch", _write("prompts.txt", "One?", "", "Two?"), "-m", "scripted", "-s", "Brief.").ok()
    with Memory() as memory:
        (job,) = memory.jobs.list()
        exchanges = [*memory.sessions.exchanges(job.name)]
    assert done.out == f"Job “{job.name}”: 2 prompts done. Answers: session “{job.name}”.\n"
    assert done.err == f"Job “{job.name}”: 2 prompts, answers in session “{job.name}”.\n"
    assert sorted((one.prompt, one.reply) for one in exchanges) == [("One?", "One?!"), ("Two?", "Two?!")]
    assert sorted(script.texts(call) for call in (0, 1)) == [
        [("system", "Brief."), ("user", "One?")],
        [("system", "Brief."), ("user", "Two?")],
    ]


def test_the_answers_are_written_in_the_order_of_the_file(llm_: Command, folder: Path, script: Script) -> None:
    """Each line has its row, with its columns and its answer; a line may have a model, a system prompt and options."""
    script.replies = [_repeat]
    lines = [{"prompt": f"{n}", "id": f"p{n}", "n": n} for n in range(20)]
    lines[3] |= {"model": "other", "system": "Be long.", "options": {"num_predict": 7}}
    llm_("sessions", "batch", _write("prompts.jsonl", *lines), "-m", "scripted", "-j", "8", "-o", "out.jsonl").ok()
    found = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert [(one["id"], one["response"], one["values"]) for one in found] == [
        (f"p{n}", f"{n}!", {"n": n}) for n in range(20)
    ]
    assert [one["model"] for one in found] == ["scripted"] * 3 + ["other"] + ["scripted"] * 16
    own = next(call for call, system in enumerate(script.systems) if system)
    assert (script.systems[own], script.options[own]["num_predict"]) == ("Be long.", 7)


def test_columns_fill_a_template(llm_: Command, folder: Path, home: Path, script: Script) -> None:
    """A template's variables are the columns of a table, and --prompt makes prompts of columns without a template."""
    script.replies = [_repeat]
    (home / "templates").mkdir()
    (home / "templates" / "say.yaml").write_text("prompt: 'Say $word in $language'\nmodel: scripted\n")
    table = _write("prompts.csv", "word,language", "sea,Dutch", "tree,French")
    llm_("sessions", "batch", table, "-t", "say", "-o", "a.csv").ok()
    pattern = ("--prompt", "Say {word} in {language}")
    llm_("sessions", "batch", table, *pattern, "-m", "scripted", "-o", "b.csv").ok()
    rows = [[*csv.DictReader(Path(name).read_text().splitlines())] for name in ("a.csv", "b.csv")]
    assert [one["response"] for one in rows[0]] == ["Say sea in Dutch!", "Say tree in French!"]
    assert [one["response"] for one in rows[1]] == [one["response"] for one in rows[0]]
    assert [one["language"] for one in rows[1]] == ["Dutch", "French"]


def test_what_goes_with_prompts_is_sent(llm_: Command, folder: Path, script: Script) -> None:
    """Fragments and attachments of all lines and of one are sent, and found from any folder later."""
    for name in ("all.txt", "own.txt"):
        Path(name).write_text(f"Text of {name}.")
    Path("image.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    line = {"prompt": "Look.", "fragment": "own.txt", "attachments": ["image.png"]}
    llm_("sessions", "batch", _write("prompts.jsonl", line), "-m", "scripted", "-f", "all.txt", "--sf", "all.txt").ok()
    (sent,) = script.seen
    assert script.texts(0) == [
        ("system", "Text of all.txt."),
        ("user", "Text of all.txt.\nText of own.txt.\nLook."),
    ]
    assert [type(part).__name__ for message in sent for part in message.parts].count("AttachmentPart") == 1
    with Memory() as memory:
        (item,) = memory.jobs.items(memory.jobs.list()[0])
    assert item.input["attachments"] == [str((folder / "image.png").resolve())]


def test_a_schema_makes_answers_json(llm_: Command, folder: Path, script: Script) -> None:
    """The parsed answer is in the file too, or null if the model gave no JSON."""
    script.replies = ['{"name": "Cleo"}', "none"]
    prompts = _write("prompts.txt", "One", "Two")
    llm_("sessions", "batch", prompts, "-m", "scripted", "--schema", "name, age int", "-j", "1", "-o", "out.jsonl").ok()
    lines = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert [line["json"] for line in lines] == [{"name": "Cleo"}, None]


def test_each_answer_can_have_its_session(llm_: Command, folder: Path, script: Script) -> None:
    """With --session-each a session is made for each answer; with --as all go into one that may exist already."""
    script.replies = [_repeat]
    llm_("-m", "scripted", "--session", "work", "Before").ok()
    llm_("sessions", "batch", _write("prompts.txt", *"abcdefghij"), "--as", "work").ok()
    llm_("sessions", "batch", "prompts.txt", "-m", "scripted", "--session-each").ok()
    with Memory() as memory:
        names = sorted(memory.sessions.names())
        assert len([*memory.sessions.exchanges("work")]) == 11
        job = memory.jobs.list()[0]
        assert names == [*(f"{job.name}-{n:02}" for n in range(1, 11)), "work"]
        assert [memory.sessions.exchanges(name)[0].reply for name in names[:2]] == ["a!", "b!"]


def test_what_fails_is_kept_with_its_sentence_and_can_be_asked_again(
    llm_: Command, folder: Path, script: Script
) -> None:
    """The others are answered; the exit code says that something failed; the file is written again after a retry."""
    script.replies = [_repeat]
    done = llm_("sessions", "batch", _write("prompts.txt", "good", "fail"), "-m", "scripted", "-o", "out.jsonl")
    with Memory() as memory:
        (job,) = memory.jobs.list()
    assert done.code == 1
    assert "1 of 2 prompts done, 1 failed." in done.out
    assert f"Ask it again with: llm sessions job retry-failed {job.name}" in done.err
    lines = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert [(line["response"], line.get("error")) for line in lines] == [("good!", None), (None, "I won't.")]
    assert "1 prompt failed. Ask again with: " in llm_("sessions", "job", "resume", job.name).err
    script.replies = ["At last."]
    assert llm_("sessions", "job", "retry-failed", job.name).ok().out.startswith(f"Job “{job.name}”: 2 prompts done.")
    lines = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert [line["response"] for line in lines] == ["good!", "At last."]


@pytest.mark.parametrize("more", [(), ("--async",)])
def test_a_failed_item_leaves_no_empty_session(
    llm_: Command, folder: Path, script: Script, more: tuple[str, ...]
) -> None:
    """With --session-each, a session is there for each answer only; asked again, an item gets the name it had."""
    script.replies = [_repeat]
    prompts = _write("prompts.txt", "good", "fail")
    assert llm_("sessions", "batch", prompts, "-m", "scripted", "--session-each", *more).code == 1
    with Memory() as memory:
        (job,) = memory.jobs.list()
        assert [*memory.sessions.names()] == [f"{job.name}-1"]
        memory.sessions.create(f"{job.name}-2")  # as if a process had been killed
    script.replies = ["At last."]
    llm_("sessions", "job", "retry-failed", job.name).ok()
    with Memory() as memory:
        assert sorted(memory.sessions.names()) == [f"{job.name}-1", f"{job.name}-2"]


def test_if_a_line_is_wrong_nothing_is_sent(llm_: Command, folder: Path, script: Script, log: Path) -> None:
    """All wrong lines are named, and there is no job and no session."""
    prompts = _write("prompts.jsonl", {"prompt": "a"}, {"prompt": "a", "options": {"x": 1}}, {"id": "b"}, "{")
    done = llm_("sessions", "batch", prompts, "-m", "scripted")
    assert done.code == 1
    for number, why in ((2, "scripted does not accept"), (3, "it has no “prompt”")):
        assert f"Line {number} of prompts.jsonl: {why}" in done.err
    assert "Line 4 of prompts.jsonl is not a complete JSON object" in done.err
    with Memory() as memory:
        assert (memory.jobs.list(), [*memory.sessions.names()], script.seen) == ([], [], [])


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("none.txt", "-m", "scripted"), "File 'none.txt' does not exist"),
        (("prompts.txt", "-m", "nothing"), "Model “nothing” not found."),
        (("prompts.txt", "-m", "scripted", "-o", "prompts.csv"), "prompts.csv already exists."),
        (("prompts.csv", "-m", "scripted", "-o", "./prompts.csv", "--force"), "prompts.csv is the file of prompts."),
        (("prompts.txt", "-m", "scripted", "-o", "none/out.csv"), "there is no folder none."),
        (("prompts.txt", "-m", "scripted", "-o", "out.txt"), "has no ending that tells its format."),
        (("prompts.txt", "-m", "scripted", "--as", "a/b"), "contains a “/”"),
        (("prompts.txt", "-m", "scripted", "--as", "a", "--session-each"), "Give --as NAME or --session-each"),
        (("prompts.txt", "-m", "scripted", "--max-cost", "much"), "is not an amount of US dollars."),
        (("empty.txt", "-m", "scripted"), "empty.txt has no prompts."),
        (
            ("prompts.csv", "-m", "scripted"),
            "Line 2 of prompts.csv: it has no “prompt”; --prompt can make one of “word”.",
        ),
    ],
)
def test_what_can_not_be_done_is_said_first(
    llm_: Command, folder: Path, script: Script, arguments: tuple[str, ...], why: str
) -> None:
    """Nothing is sent, and no file is written."""
    _write("prompts.txt", "x")
    _write("prompts.csv", "word", "x")
    _write("empty.txt", "")
    done = llm_("sessions", "batch", *arguments)
    assert done.code != 0
    assert why in done.err
    assert script.seen == []
    assert sorted(path.name for path in folder.glob("*.*")) == ["empty.txt", "prompts.csv", "prompts.txt"]


def test_a_log_that_is_still_empty_will_do(llm_: Command, folder: Path, script: Script, log: Path) -> None:
    """An empty file gets llm's tables, as the first prompt of a session gives it them."""
    log.touch()
    assert "1 prompt done" in llm_("sessions", "batch", _write("a.txt", "x"), "-m", "scripted").ok().out


def test_a_dry_run_says_what_would_be_sent(llm_: Command, folder: Path, script: Script, log: Path) -> None:
    """Prompts by model, tokens, and the cost if the price is known; nothing is sent, and no log is made."""
    lines = [{"prompt": "word " * 1000}, {"prompt": "x", "model": "other"}]
    done = llm_("sessions", "batch", _write("prompts.jsonl", *lines), "-m", "scripted", "--dry-run").ok()
    first, second = done.out.splitlines()
    assert first.startswith("1 prompt for scripted: about 1,00")
    assert second.startswith("1 prompt for other: about ")
    assert "The price of other is unknown." in second
    assert done.err == "Dry run: nothing was sent.\n"
    assert (script.seen, log.exists()) == ([], False)


def test_the_answers_can_be_printed(llm_: Command, folder: Path, script: Script) -> None:
    """With -o - standard output has the answers alone, a JSON object a line; prompts may come from standard input."""
    script.replies = [_repeat]
    done = llm_("sessions", "batch", "-", "-m", "scripted", "-o", "-", input="One\nTwo\n").ok()
    assert [json.loads(line)["response"] for line in done.out.splitlines()] == ["One!", "Two!"]
    assert "2 prompts done" in done.err


def test_an_asynchronous_model_is_asked_on_one_loop(llm_: Command, folder: Path, script: Script) -> None:
    """--async asks the model's asynchronous version, all prompts side by side."""
    script.replies = [_repeat]
    done = llm_(
        "sessions", "batch", _write("prompts.txt", *"abcdef"), "-m", "scripted", "--async", "-o", "a.jsonl"
    ).ok()
    assert "6 prompts done" in done.out
    assert [json.loads(line)["response"] for line in Path("a.jsonl").read_text().splitlines()] == [
        f"{c}!" for c in "abcdef"
    ]


def test_a_stopped_job_is_resumed(llm_: Command, folder: Path, script: Script) -> None:
    """A job that was stopped says why and how to go on; the file of answers is written at the end."""
    script.replies = [_repeat]
    _write("prompts.txt", *"abc")
    stopped = llm_("sessions", "batch", "prompts.txt", "-m", "scripted", "--max-cost", "1", "-o", "out.jsonl")
    with Memory() as memory:
        (job,) = memory.jobs.list()
    assert (stopped.code, script.seen, Path("out.jsonl").exists()) == (1, [], False)
    assert (
        "The limit of $1.00 can't be kept: the price of scripted is unknown. Remove it with --max-cost none."
        in stopped.err
    )
    assert f"Continue with: llm sessions job resume {job.name}\n" in stopped.err
    assert stopped.err.endswith("Its limit stays unless you add --max-cost with another one, or with “none”.\n")
    assert f"Job “{job.name}” is stopped. Continue it with:" in llm_("sessions", "job", "work", job.name).err
    resumed = llm_("sessions", "job", "resume", job.name, "--max-cost", "none").ok()
    assert resumed.out.startswith(f"Job “{job.name}”: 3 prompts done.")
    assert len(Path("out.jsonl").read_text().splitlines()) == 3
    assert f"Job “{job.name}” has nothing left to ask." in llm_("sessions", "job", "resume", job.name).err


def _progress(**more: Any) -> JobProgress:
    job = Job("1", "a", "batch", {}, "", spent_usd=more.pop("spent", 0.123), counts=more.pop("counts", {}))
    known: dict[str, Any] = {"total": 1000, "ended": 412, "running": 4, "a_minute": 41.2, "seconds_left": 860.0}
    return JobProgress(job, **{**known, "stopping": False, "waits": 0.0, "waits_for": "", **more})


@pytest.mark.parametrize(
    ("now", "line"),
    [
        (_progress(), "████████············ 412 of 1,000, 41 a minute, $0.12, 14 min left"),
        (_progress(a_minute=600.0, seconds_left=59.0, spent=None), "412 of 1,000, 10 a second, 59 s left"),
        (_progress(a_minute=None, seconds_left=None, spent=0.001), "412 of 1,000, under $0.01"),
        (_progress(seconds_left=9000.0, counts={"failed": 2}), "1,000, 2 failed, 41 a minute, $0.12, 2 h 30 min left"),
        (_progress(waits=12.4, waits_for="Too many\nrequests."), "$0.12, waiting 12 s: Too many requests."),
        (_progress(stopping=True), "$0.12, stopping; Ctrl-C again stops at once"),
    ],
)
def test_the_bar_says_how_far_a_job_is(now: JobProgress, line: str) -> None:
    """The bar, the rate, the cost so far and the time left are on one line, which is no wider than the terminal."""
    assert shown(now, 200).endswith(line)
    assert len(shown(now, 30)) < 30


def test_nothing_of_a_batch_is_left_when_all_its_answers_are_deleted(
    llm_: Command, log: Path, tmp_path: Path, script: Script
) -> None:
    """A batch with a session for each answer goes with the last of them, with the system prompt that it had."""
    script.replies = ["=1+1", "=1+1"]
    file = tmp_path / "two.txt"
    file.write_text("One?\nTwo?\n")
    llm_("sessions", "batch", str(file), "-m", "scripted", "-s", "You are Vasco.", "--session-each").ok()
    with Memory(log) as memory:
        first, second = memory.sessions.names()
    llm_("sessions", "delete", first, "--yes", "--erase").ok()
    assert b"Vasco" in log.read_bytes()
    llm_("sessions", "delete", second, "--yes", "--erase").ok()
    assert b"Vasco" not in log.read_bytes()


def test_a_column_with_the_name_of_one_of_ours_is_kept(llm_: Command, folder: Path, script: Script) -> None:
    """The file of answers has every column of the file of prompts, also a `state` that is one of the United States."""
    script.replies = [_repeat]
    file = _write("towns.csv", "prompt,town,state,line", "Hi,Salem,Oregon,7")
    llm_("sessions", "batch", file, "-m", "scripted", "-o", "out.csv").ok()
    (row,) = csv.DictReader(Path("out.csv").read_text().splitlines())
    assert (row["town"], row["values.state"], row["values.line"]) == ("Salem", "Oregon", "7")
    assert (row["state"], row["line"], row["prompt"], row["response"]) == ("done", "2", "Hi", "Hi!")
