"""Rules of the numbers and times on the pages."""

from __future__ import annotations

import pytest
from jinja2 import Environment, FileSystemLoader

import datasette_session_views
from datasette_session_views import prepare_jinja2_environment
from datasette_session_views.show.words import compact


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "0"),
        (999, "999"),
        (1_000, "1k"),
        (1_249, "1.2k"),
        (9_949, "9.9k"),
        (9_999, "10k"),
        (418_400, "418k"),
        (999_499, "999k"),
        (999_999, "1M"),
        (1_167_593, "1.2M"),
        (2_500_000_000, "2.5G"),
        (10**16, "10,000T"),
        (-1_234, "-1.2k"),
    ],
)
def test_a_large_number_is_short(number: int, expected: str) -> None:
    """A number has at most three digits and a unit, and never rounds to 1,000 of one."""
    assert compact(number) == expected


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        pytest.param("number(1167593)", '<span title="1,167,593">1.2M</span>', id="the exact number is the tooltip"),
        pytest.param("number(999)", "999", id="a number that is exact needs none"),
        pytest.param(
            "time('2026-11-20T09:52:31.123456+00:00')",
            '<time datetime="2026-11-20T09:52:31Z" title="2026-11-20 09:52:31 UTC" data-sv-time>'
            "2026-11-20 09:52</time>",
            id="a time has its second and its zone in the tooltip",
        ),
        pytest.param("time('<b>x')", "&lt;b&gt;x", id="a text that is no time stays text"),
        pytest.param("time(none)", "", id="no time is nothing"),
    ],
)
def test_a_value_has_its_exact_form_in_the_tooltip(call: str, expected: str) -> None:
    """Templates write numbers and times in short, with the exact value in the tooltip."""
    templates = FileSystemLoader([f"{path}/templates" for path in datasette_session_views.__path__])
    env = Environment(loader=templates, autoescape=True)
    prepare_jinja2_environment(env)
    assert env.from_string(f'{{% import "_sv_values.html" as values %}}{{{{ values.{call} }}}}').render() == expected
