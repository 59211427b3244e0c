"""The rules of items: what a line, the command and its templates say together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from llm_session_memory import Memory
from llm_session_memory.errors import SessionError
from llm_session_memory.llm_seam.batching import Batch, Wishes, begin
from llm_session_memory.model import Settings
from llm_session_memory.model.batch import PromptLine
from tests.world.scripted import Script

Make = Callable[..., Batch]


@pytest.fixture(name="memory")
def _memory(log: Path, script: Script) -> Iterator[Memory]:
    with Memory(log, create=True) as memory:
        memory.desk.prepare()
        yield memory


@pytest.fixture(name="batch")
def _batch(memory: Memory) -> Make:
    return lambda **wishes: Batch(memory, Wishes(**{"model": "scripted", **wishes}))


@pytest.fixture(name="template")
def _template(home: Path) -> Callable[[str, str], None]:
    """Write a template of llm."""

    def write(name: str, text: str) -> None:
        (home / "templates").mkdir(exist_ok=True)
        (home / "templates" / f"{name}.yaml").write_text(text)

    return write


def test_an_item_has_what_differs_from_the_job(batch: Make) -> None:
    """What holds for all lines is kept once, with the job; an item has its prompt and what is its own."""
    made = batch(system="Be brief.", options=(("num_predict", "5"),))
    assert made.settings == {"model": "scripted", "system": "Be brief.", "options": {"num_predict": 5}}
    same = made.item(PromptLine(3, "Hi"))
    assert (same.input, same.model) == ({"prompt": "Hi", "line": 3}, "scripted")
    own = made.item(PromptLine(4, "Hi", model="other", system="Be long.", options={"mood": "good"}))
    assert own.model == "other"
    assert own.input == {
        "prompt": "Hi",
        "line": 4,
        "system": "Be long.",
        "options": {"num_predict": 5, "mood": "good"},
    }


def test_keys_tell_items_apart(batch: Make) -> None:
    """A key depends on all that is asked and on the id, and not on the line; equal lines without an id differ."""
    made = batch()
    lines = [
        PromptLine(1, "Hi"),
        PromptLine(2, "Hi"),
        PromptLine(3, "Hi", id="a"),
        PromptLine(4, "Hi", system="Be brief."),
        PromptLine(5, "Hi", options={"mood": "good"}),
        PromptLine(6, "Hi", model="other"),
        PromptLine(7, "Hi", values={"n": 1}),
    ]
    keys = [item.key for item in made.items(lines)]
    assert len(set(keys)) == len(lines)
    again = [PromptLine(line.number + 10, line.prompt, **{n: getattr(line, n) for n in _OTHERS}) for line in lines]
    assert [item.key for item in batch().items(again)] == keys


_OTHERS = ("id", "model", "system", "options", "values")


def test_a_template_takes_its_variables_from_the_columns(batch: Make, template: Callable[[str, str], None]) -> None:
    """A template is filled as llm fills it: from the line, then from --param, then by its own defaults."""
    template(
        "say",
        "system: 'Speak $language to $who.'\nprompt: 'Say: $input ($tone)'\ndefaults: {tone: kindly}\n"
        "options: {num_predict: 5}\nmodel: other\n",
    )
    made = batch(model=None, templates=("say",), params=(("who", "all"), ("language", "English")))
    assert (made.model, made.options) == ("other", {"num_predict": 5})
    assert made.used == {"tone"}
    plain = made.item(PromptLine(1, "Hi"))
    assert made.settings["system"] == "Speak English to all."
    assert plain.input == {"prompt": "Say: Hi (kindly)", "line": 1}
    own = made.item(PromptLine(1, "Hi", values={"language": "Dutch", "tone": None}))
    assert (own.input["prompt"], own.input["system"]) == ("Say: Hi ()", "Speak Dutch to all.")


def test_columns_make_a_prompt(batch: Make) -> None:
    """A pattern has the columns in braces, the line's own prompt as one of them."""
    made = batch(pattern="{word} in {language}: {prompt}", params=(("language", "Dutch"),))
    assert made.used == {"word", "prompt"}
    assert made.item(PromptLine(1, "now", values={"word": "sea"})).input["prompt"] == "sea in Dutch: now"


@pytest.mark.parametrize(
    ("wishes", "line", "why"),
    [
        ({}, PromptLine(1), "it has no “prompt”"),
        ({"pattern": "{word}"}, PromptLine(1, "x"), "it has no “word”, which --prompt asks for"),
        (
            {},
            PromptLine(1, values={"word": "sea", "in": "Dutch"}),
            "it has no “prompt”; --prompt can make one of “word”, “in”",
        ),
        (
            {"pattern": "{wrod}"},
            PromptLine(1, values=dict.fromkeys("abcdefgh", 1)),
            "it has no “wrod”, which --prompt asks for; it has “a”, “b”, “c”, “d”, “e”, “f”, …",
        ),
        ({}, PromptLine(1, "x", model="nothing"), "Model “nothing” not found."),
        ({}, PromptLine(1, "x", options={"mod": "x"}), "scripted does not accept these options: mod: Extra inputs"),
        ({}, PromptLine(1, "x", options={"num_predict": "many"}), "num_predict: Input should be a valid integer"),
        ({}, PromptLine(1, "x", attachments=("none.png",)), "its attachment “none.png” does not exist"),
        ({}, PromptLine(1, "x", attachments=("n" * 300,)), f"its attachment “{'n' * 300}” does not exist"),
        ({}, PromptLine(1, "x", fragments=("none",)), "its fragment “none” was not found"),
        ({}, PromptLine(1, "x", schema="x"), "its schema can't be used: Invalid schema"),
    ],
)
def test_a_wrong_line_is_refused(batch: Make, wishes: dict[str, str], line: PromptLine, why: str) -> None:
    """What a line lacks or has wrong is said before anything is sent."""
    with pytest.raises(SessionError) as error:
        batch(**wishes).check(line)
    assert why in error.value.message


def test_an_id_names_one_line(batch: Make) -> None:
    """Two lines with one id could not be told apart in the answers; the same line may be checked again."""
    made = batch()
    made.check(PromptLine(1, "x", id="a"))
    made.check(PromptLine(1, "x", id="a"))
    with pytest.raises(SessionError, match="its id “a” is also that of line 1"):
        made.check(PromptLine(2, "y", id="a"))


def test_a_template_that_lacks_a_value_names_it(batch: Make, template: Callable[[str, str], None]) -> None:
    """llm's own sentence says what is missing."""
    template("say", "prompt: 'Say $word'")
    with pytest.raises(SessionError, match="template “say”: missing variables: word"):
        batch(templates=("say",)).check(PromptLine(1, "x"))
    with pytest.raises(SessionError, match="Template “none” could not be loaded"):
        batch(templates=("none",))


def test_a_job_and_its_session_are_made_together(memory: Memory, batch: Make) -> None:
    """The session is called as the job is, and has its model and system prompt; a wrong item leaves neither."""
    made = batch(system="Be brief.")
    job = begin(memory, made.settings, made.items([PromptLine(1, "x"), PromptLine(2, "y")]), "a/b", max_cost=5.0)
    session = memory.sessions.get(job.name)
    assert job.name.startswith("ab-20")
    assert job.name.endswith("-1")
    assert (job.thread_id, job.max_cost, job.counts) == (session.thread_id, 5.0, {"waiting": 2})
    assert session.settings == Settings(model="scripted", system="Be brief.")
    memory.jobs.delete(job)
    assert begin(memory, made.settings, made.items([PromptLine(1, "x")]), "ab", max_cost=None).name.endswith("-2")
    with pytest.raises(SessionError, match="it has no “prompt”"):
        begin(memory, made.settings, made.items([PromptLine(1, "x"), PromptLine(2)]), "bad", max_cost=None)
    assert not any(name.startswith("bad") for name in memory.sessions.names())


def test_a_session_can_be_named(memory: Memory, batch: Make) -> None:
    """The answers go to an existing session, to a new one of that name, or each to one of its own."""
    work = memory.sessions.create("work", settings=Settings(model="other"))
    wishes = Wishes()
    made = Batch(memory, wishes, work)
    assert made.model == "other"
    line = [PromptLine(1, "x")]
    assert begin(memory, {"as": "WORK"}, made.items(line), "a", max_cost=None).thread_id == work.thread_id
    new = begin(memory, {"as": "new"}, made.items(line), "a", max_cost=None)
    assert memory.sessions.get("new").thread_id == new.thread_id
    assert begin(memory, {"each": True}, made.items(line), "a", max_cost=None).thread_id is None
