"""A workflow's file: every mistake in it is found before anything is sent, with its line."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, strategies

from llm_session_memory.errors import SessionError
from llm_session_memory.model.workflows import Step, TemplateSource, Workflow
from llm_session_memory.rules.workflows import order
from llm_session_memory.rules.workflows.editor_schema import editor_schema
from llm_session_memory.rules.workflows.graph_text import shown
from llm_session_memory.rules.workflows.nodes import WorkflowRefused
from llm_session_memory.services.workflows import inputs, templates, text
from llm_session_memory.services.workflows.checking import checked
from tests.world.laws import tried


def schema_of(schema: Any, many: bool) -> Mapping[str, Any]:
    """Stand in for llm's short syntax: names, and `int` after those that are numbers."""
    if not isinstance(schema, str):
        return dict(schema)
    parts = [part.split() for part in schema.split(",")]
    made = {"type": "object", "properties": {p[0]: {"type": "integer" if p[1:] else "string"} for p in parts}}
    return {"type": "object", "properties": {"items": {"type": "array", "items": made}}} if many else made


def read(text: str) -> Workflow:
    return checked(textwrap.dedent(text), "flow.yaml", "flow", schema_of)


def mistakes(text: str) -> tuple[str, ...]:
    with pytest.raises(WorkflowRefused) as caught:
        read(text)
    return caught.value.mistakes or (str(caught.value),)


GOOD = """
    description: Finds facts, and writes about them.
    inputs:
      topic:
      words: {type: number, default: 100}
    model: llama3
    options: {temperature: 0}
    steps:
      facts:
        prompt: Name facts of {{ topic }}.
        schema: {type: object, properties: {names: {type: array, items: {type: string}}, items: {type: array}}}
        options: {seed: 1}
      size: {shell: wc -w, stdin: "{{ topic }}", timeout: 2.5}
      about:
        for_each: steps.facts.json.names
        prompt: "{{ index }}. {{ item }}"
        when: item != "no"
        on_error: continue
      whole:
        prompt: |
          {% for one in steps.about.results %}
          - {{ one.text }}
          {% endfor %}
          {{ steps.facts.json.items }}
        needs: size
        retry: 2
    output: "{{ steps.whole }}"
"""


def test_a_workflow_is_read() -> None:
    """Steps get the file's defaults, need what their templates mention, and know the lines of their texts."""
    flow = read(GOOD)
    assert {name: step.needs for name, step in flow.steps.items()} == {
        "facts": (),
        "size": (),
        "about": ("facts",),
        "whole": ("size", "about", "facts"),
    }
    assert flow.steps["facts"].options == {"temperature": 0, "seed": 1}
    assert flow.steps["about"].model == TemplateSource("llama3", 6)
    assert flow.steps["size"].model is None
    assert flow.steps["whole"].prompt is not None
    assert flow.steps["whole"].prompt.line == 21
    assert order.levels(flow.steps) == [["facts", "size"], ["about"], ["whole"]]
    assert order.last(flow.steps) == ["whole"]


def test_the_graph_is_shown() -> None:
    """The graph says for each step what it does, when, and after which others."""
    assert shown(read(GOOD))[6:] == [
        "4 steps",
        "   1  facts  prompt; model llama3; answers in JSON",
        "      size   command: wc -w",
        (
            '   2  about  prompt; model llama3; for each of steps.facts.json.names; if item != "no";'
            " if it fails, continue; after facts"
        ),
        "   3  whole  prompt; model llama3; after size, about, facts",
    ]


WRONG = {
    "a: 1": [
        "Line 1 of flow.yaml: The file can't have a field “a”. The fields are: name, description, inputs, model, ",
        "Line 1 of flow.yaml: The file has no steps. Add them under: steps:",
    ],
    "": ["flow.yaml: This is not a workflow. A workflow begins with its steps, for example:"],
    "steps: [": [" of flow.yaml: This is not YAML"],
    "steps: {a: &x {prompt: A}, b: *x}": ["Line 1 of flow.yaml: A workflow can't have an alias (*)."],
    "[" * 100: ["Line 1 of flow.yaml: This is nested too deeply."],
    "steps: {a: {prompt: A, modle: x}}": [
        "Line 1 of flow.yaml: Step “a” can't have a field “modle”. Did you mean “model”?"
    ],
    "steps:\n  a: {prompt: A}\n  a: {prompt: B}": ["Line 3 of flow.yaml: “steps” has “a” twice."],
    "steps: {a-b: {prompt: A}}": ["Line 1 of flow.yaml: “a-b” can't be the name of one of the steps."],
    "inputs: {item: }\nsteps: {a: {prompt: A}}": ["Line 1 of flow.yaml: An input can't be called “item”"],
    "steps: {a: {system: A}}": ["Line 1 of flow.yaml: Step “a” has no prompt."],
    "steps: {a: {prompt: A, shell: ls}}": ["Line 1 of flow.yaml: Step “a” runs a command, so it can't have “prompt”."],
    "steps: {a: {prompt: 1}}": ["Line 1 of flow.yaml: “a.prompt” must be a text, but is a number."],
    "steps:\n  a:\n    prompt: {{ topic }}": [
        "Line 3 of flow.yaml: “a.prompt” must be a text, but is a mapping. Put a text that begins with {{ in quotes."
    ],
    "steps: {a: {prompt: A, retry: -1}}": ["Line 1 of flow.yaml: “a.retry” must be a number: 0 or more, at most 100."],
    "steps: {a: {prompt: A, on_error: no}}": ["“a.on_error” must be one of: stop, skip, continue."],
    "steps: {a: {prompt: A, for_each: steps.c.json}}": [
        "The template uses step “c”, but there is no such step. The steps are: a."
    ],
    "steps: {a: {prompt: A, needs: b}}": ["Step “a” needs “b”, but there is no such step. The steps are: a."],
    "steps: {a: {prompt: A, needs: a}}": ["Step “a” needs itself."],
    "steps:\n  a: {prompt: '{{ steps.b }}'}\n  b: {prompt: '{{ steps.c }}'}\n  c: {prompt: C, needs: a}": [
        "of flow.yaml: These steps wait for each other: "
    ],
    "steps:\n  a:\n    prompt: |\n      A\n      {{ x }}": [
        "Line 5 of flow.yaml: The template uses “x”, but there is no such"
    ],
    "steps: {a: {prompt: '{{ item }}'}}": ["“item” has a value only in a step with for_each."],
    "steps: {a: {prompt: '{{ steps }}'}}": ["“steps” alone has no value. Name a step: steps.NAME.text"],
    "steps: {a: {prompt: '{{ steps.bb.text }}'}}": ["The template uses step “bb”, but there is no such step."],
    "steps: {a: {prompt: A}, b: {prompt: '{{ steps.a.txt }}'}}": ["The template uses “txt” of step “a”"],
    "steps: {a: {prompt: A}, b: {prompt: '{{ steps.a.json }}'}}": ["Step “a” has no JSON, because it has no schema."],
    "steps: {a: {prompt: A}, b: {prompt: '{{ steps.a.results }}'}}": ["Step “a” has no results, because"],
    "steps: {a: {prompt: A, schema: 'n, k int'}, b: {prompt: '{{ steps.a.json.m }}'}}": [
        "In the JSON of step “a”, the answer has no “m” according to its schema. It has: n, k."
    ],
    "steps: {a: {prompt: A, schema: 'k int'}, b: {prompt: '{{ steps.a.json.k.m }}'}}": [
        "“k” is a number, so it has no “m”."
    ],
    "steps: {a: {prompt: A, schema_multi: 'k'}, b: {prompt: '{{ steps.a.json.items.k }}'}}": [
        "“items” is a list, so it has no “k”. Loop over it, or use for_each."
    ],
    "steps: {a: {prompt: A, schema: n}, b: {prompt: B, for_each: steps.a.json.n}}": [
        "Step “b” repeats for each item of “steps.a.json.n”, which is a text."
    ],
    "steps: {a: {prompt: '{{ a'}}": ["Line 1 of flow.yaml: This template can't be read: unexpected end of template"],
    "steps: {a: {prompt: A, when: 'a b'}}": ["Line 1 of flow.yaml: This expression can't be read:"],
    "steps: {a: {prompt: '{{ input | uper }}'}}": ["This template can't be read: No filter named 'uper'."],
    "steps: {a: {prompt: '{% include \"x\" %}'}}": ["A template can't include others."],
    "steps: {a: {shell: 'echo {{ input }}'}}": [
        "The command of step “a” can't have templates. Pass values through stdin"
    ],
    "steps: {a: {prompt: A, params: {x: y}}}": ["Step “a” has params, but no llm template."],
    "steps: {a: {prompt: A, schema: a, schema_multi: b}}": ["Step “a” has two schemas."],
    "inputs: {n: {type: number, default: many}}\nsteps: {a: {prompt: A}}": [
        "Line 1 of flow.yaml: Input “n” must be a number."
    ],
    "steps: {a: {prompt: A}}\noutput: '{{ steps.b }}'": ["Line 2 of flow.yaml: The template uses step “b”"],
}


@pytest.mark.parametrize("text", WRONG, ids=range(len(WRONG)))
def test_a_mistake_is_named_with_its_line(text: str) -> None:
    """Each mistake is a sentence with the line, what is wrong, and what to do."""
    found = mistakes(text)
    assert len(found) == len(WRONG[text])
    for said, expected in zip(found, WRONG[text], strict=True):
        assert expected in said


def test_all_mistakes_are_named_at_once() -> None:
    """A file with several mistakes names all of them, in the order of its lines."""
    found = mistakes("modle: x\nsteps:\n  a: {prompt: '{{ x }}'}\n  b: {needs: c, prompt: B}")
    assert [one.split(" of ")[0] for one in found] == ["Line 1", "Line 3", "Line 4"]


@given(strategies.dictionaries(strategies.sampled_from("abcdef"), strategies.sets(strategies.sampled_from("abcdef"))))
@tried(200)
def test_the_order_of_steps(needs: dict[str, set[str]]) -> None:
    """Either some step waits for itself, which is found, or each step comes after all that it needs."""
    steps = {name: Step(name, 1, needs=tuple(sorted(some & needs.keys()))) for name, some in needs.items()}
    if order.cycle(steps) is None:
        place = {name: number for number, level in enumerate(order.levels(steps)) for name in level}
        assert place.keys() == steps.keys()
        assert all(place[need] < place[name] for name, step in steps.items() for need in step.needs)
    else:
        reached = {name: set(step.needs) for name, step in steps.items()}
        for _ in steps:
            reached = {name: some.union(*(reached[one] for one in some)) for name, some in reached.items()}
        assert any(name in some for name, some in reached.items())


def test_editors_know_the_format() -> None:
    """The JSON schema is valid, accepts a good file, and refuses a field that doesn't exist."""
    schema = editor_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load(textwrap.dedent(GOOD)), schema)
    several: tuple[Any, ...] = (
        {"steps": {}},
        {"steps": {"a": {"promt": "A"}}},
        {"steps": {"a": {"model": "A"}}},
        {"step": {}},
    )
    for wrong in several:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)


# -- templates -------------------------------------------------------------------


def filled(text: str, **values: Any) -> str:
    return templates.filled(TemplateSource(text, 10), values)


def test_an_answer_is_never_read_as_a_template() -> None:
    """What a model answered is put into a prompt as it is."""
    assert filled("{{ a }} {{ b | tojson }}", a="{{ 7 * 7 }} <b>", b={"x": "é'"}) == '{{ 7 * 7 }} <b> {"x": "é\'"}'


def test_a_property_comes_before_a_method() -> None:
    """A JSON object's property that has the name of a method is the property."""
    assert filled("{{ a.items[0] }}{{ b.items() | list }}", a={"items": [5]}, b={"c": 1}) == "5[('c', 1)]"


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ a.append(1) }}",
        "{{ 'x' * 10 ** 9 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ range(10 ** 9) }}",
        "{{ '%100000000d' % 1 }}",
        "{{ '%*d' % (10 ** 9, 1) }}",
        "{{ 'x'.ljust(10 ** 9) }}",
        "{{ 'x' | center(10 ** 9) }}",
        "{{ '{:>100000000}'.format(1) }}",
        "{{ '{:>{}}'.format(1, 10 ** 9) }}",
        "{% for i in range(90000) %}{% for j in range(90000) %}" + 99 * "x" + "{% endfor %}{% endfor %}",
    ],
)
def test_a_template_can_not_leave_its_sandbox(text: str) -> None:
    """A template can't reach Python's insides, change values, or fill the memory."""
    with pytest.raises(templates.TemplateFailed):
        filled(text, a=[0])


def test_a_template_that_python_can_not_hold_is_refused() -> None:
    """Blocks within more blocks than Python allows are a mistake of the file."""
    deep = 150 * "{% if 1 %}" + "x" + 150 * "{% endif %}"
    (said,) = mistakes(f"steps: {{a: {{prompt: '{deep}'}}}}")
    assert said == "Line 1 of flow.yaml: This template is nested too deeply."


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs a device without an end")
def test_a_file_without_an_end_is_refused() -> None:
    """A workflow's file has a greatest size, and not more of it is read."""
    with pytest.raises(WorkflowRefused, match=r"^zero is longer than 1,000,000 characters\."):
        text.read(Path("/dev/zero"))


def test_formats_and_widths_work() -> None:
    """Texts are padded and formatted as Jinja does it, up to the length that a template may have."""
    assert filled("{{ '%5.1f|%s%%' % (1.25, 'a') }}{{ '{:>3}'.format(1) }}{{ 'x'.rjust(2) }}") == "  1.2|a%  1 x"
    assert filled("{{ 'x' | center(3) }}{{ 'a' | center | length }}{{ 7 % 4 }}") == " x 803"


def test_a_missing_value_is_named_with_its_line() -> None:
    """If an answer lacks what a template uses, the error says what, and in which line of the file."""
    with pytest.raises(templates.TemplateFailed, match="has no attribute 'b'") as caught:
        filled("A\n\n{{ a.b }}", a={"c": 1})
    assert caught.value.line == 12
    with pytest.raises(templates.TemplateFailed, match="has no attribute 'b'"):
        templates.evaluated(TemplateSource("a.b", 1), {"a": {}})
    assert templates.evaluated(TemplateSource("a.b > 1 and a.c", 1), {"a": {"b": 2, "c": [3]}}) == [3]


# -- inputs ----------------------------------------------------------------------


def values(text: str, *typed: tuple[str, str], piped: str | None = None, pipe: str = "") -> dict[str, Any]:
    flow = read(f"inputs: {{{text}}}\nsteps: {{a: {{prompt: A}}}}")
    return inputs.given(flow, typed, piped=piped, pipe=pipe)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("text", "07", "07"),
        ("number", "07", 7),
        ("number", "0.5", 0.5),
        ("boolean", "Yes", True),
        ("list", "a, b,", ["a", "b"]),
        ("list", '["a, b", 3]', ["a, b", 3]),
        ("json", '{"a": [1]}', {"a": [1]}),
    ],
)
def test_an_input_has_its_type(kind: str, text: str, value: Any) -> None:
    """A value that is typed gets the type that the file gives its input."""
    found = values(f"x: {{type: {kind}}}", ("x", text))["x"]
    assert (found, type(found)) == (value, type(value))


def test_files_are_found_before_anything_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Patterns become paths, sorted, each once; they stay right if the run goes on from another folder."""
    for name in ("b.md", "a.md", "c [x].txt"):
        (tmp_path / name).write_text(name)
    monkeypatch.chdir(tmp_path)
    found = values("x: {type: files}", ("x", "*.md"), ("x", "b.md"), ("x", "c [x].txt"))["x"]
    assert found == [str(tmp_path / name) for name in ("a.md", "b.md", "c [x].txt")]
    for kind in ("file", "files"):
        with pytest.raises(SessionError, match="none"):
            values(f"x: {{type: {kind}}}", ("x", "none"))


@pytest.mark.parametrize(
    ("text", "typed", "said"),
    [
        ("x: {description: a word}, y: ", (), "Input “x” (a word) needs a value. So do: y. Give it with: -p x VALUE"),
        ("topic: ", (("topc", "a"),), "This workflow has no input “topc”. Did you mean “topic”?"),
        ("x: ", (("x", "a"), ("x", "b")), "Input “x” was given twice."),
        ("x: {type: number}", (("x", "nan"),), "Input “x” must be a number."),
        ("x: {type: boolean}", (("x", "perhaps"),), "Input “x” must be true or false."),
        ("x: {type: json}", (("x", "{"),), "Input “x” must be JSON."),
        ("x: {choices: [a, b]}", (("x", "c"),), "Input “x” must be one of: a, b. It is “c”."),
    ],
)
def test_a_wrong_value_is_named(text: str, typed: tuple[tuple[str, str], ...], said: str) -> None:
    """A value that is missing, unknown or of another type is refused with a sentence."""
    with pytest.raises(SessionError) as caught:
        values(text, *typed)
    assert said in str(caught.value)


def test_what_is_piped_is_the_input() -> None:
    """A workflow that uses `input` gets what is piped to it, unless -p input is given."""
    assert values("", piped="A text", pipe="input") == {"input": "A text"}
    assert values("", ("input", "B"), piped="A text", pipe="input") == {"input": "B"}
    with pytest.raises(SessionError, match="or pipe a text to the command"):
        values("", pipe="input")
    assert json.dumps(values("x: {default: [1, 2], type: json}")) == '{"x": [1, 2]}'
