"""The rules of charts, which are pure functions from values to SVG."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

import datasette_session_views as views
from datasette_session_views.show.axes import BROAD, NARROW
from datasette_session_views.show.svg import drawn, legend, patterns
from llm_session_memory.insight.charts import (
    COUNTED,
    SERIES,
    Chart,
    Series,
    described,
    figure,
    on_axis,
    short,
    ticks,
    with_unit,
    without_noise,
)
from llm_session_memory.insight.panels import totals
from tests.world.laws import tried

KINDS = ("columns", "rows", "lines", "grid")
SVG = "{http://www.w3.org/2000/svg}"


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def two(kind: str = "columns") -> Chart:
    return Chart(kind, ("Mon", "Tue"), (Series("in", (10, 30)), Series("out", (None, 10))), "tokens")


@pytest.mark.parametrize("kind", KINDS)
def test_a_chart_has_a_title_and_a_description(kind: str) -> None:
    """Every chart has the role of an image and is labelled by its title and its description."""
    svg = parsed(drawn("tokens", "Tokens per day", two(kind)))
    assert svg.get("role") == "img"
    assert svg.get("aria-labelledby") == "tokens-title tokens-words"
    ids = {element.get("id"): element.text for element in svg.iter() if element.get("id")}
    assert ids["tokens-title"] == "Tokens per day"
    assert "in: up to 30 tokens (Tue)." in (ids["tokens-words"] or "")


@pytest.mark.parametrize("kind", KINDS)
def test_a_chart_contains_nothing_that_the_policy_forbids(kind: str) -> None:
    """A chart has no script, style or handler, no colour of its own, and it links only to the page's patterns."""
    svg = drawn("tokens", "Tokens", two(kind))
    assert not re.search(r"#[0-9a-f]{3,6}\b", svg)
    names = {element.tag.removeprefix(SVG) for element in parsed(svg).iter()}
    assert names <= {"svg", "title", "desc", "g", "rect", "path", "polyline", "circle", "text"}
    assert not re.search(r"\s(style|on\w+|href)=|@import|data:", svg)
    assert set(re.findall(r"url\(([^)]*)\)", svg)) <= {f"#sv-fill-{place}" for place in range(SERIES)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_chart_is_small(kind: str) -> None:
    """A chart of 30 labels and two measures takes a few kilobytes, because a page has a dozen charts."""
    chart = Chart(kind, tuple(f"2026-09-{day:02}" for day in range(1, 31)),
                  (Series("in", tuple(range(30))), Series("out", tuple(range(30)))))  # fmt: skip
    assert len(drawn("tokens", "Tokens", chart)) < 14_000


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_labels_are_text(kind: str) -> None:
    """Names of models and texts of people are escaped everywhere in a chart."""
    evil = '</text></svg><script>alert(1)</script>"\x00\u202e'
    chart = Chart(kind, (evil, evil), (Series(evil, (1, 2)), Series(evil, (3, 4))), evil)
    svg = drawn("x", evil, chart) + legend(chart)
    assert "<script" not in svg
    assert "\u202e" not in svg
    assert "\x00" not in svg
    parsed(drawn("x", evil, chart))


def test_columns_are_stacked() -> None:
    """The columns of a label are as high as their values, stacked, and stay inside the drawing."""
    rects = [rect for group in parsed(drawn("x", "X", two())).iter(f"{SVG}g") for rect in group.iter(f"{SVG}rect")]
    tops = [float(rect.get("y") or 0) for rect in rects]
    heights = [float(rect.get("height") or 0) for rect in rects]
    assert len(rects) == 3
    assert heights[1] == pytest.approx(3 * heights[0], abs=0.2)
    assert heights[2] == pytest.approx(heights[0], abs=0.2)
    assert tops[2] + heights[2] == pytest.approx(tops[1], abs=0.2)
    assert min(tops) >= 0


def test_fills_differ_without_colour() -> None:
    """Each measure has its own pattern, and the legend shows the same patterns."""
    many = Chart("rows", ("a",), tuple(Series(f"s{n}", (n + 1,)) for n in range(SERIES)))
    drawings = [ET.tostring(one).split(b">", 1)[1] for one in parsed(patterns()).iter(f"{SVG}pattern")]
    plain = [re.sub(rb"sv-[gsd][0-9]", b"", one) for one in drawings]
    assert len(set(plain[:5])) == 5
    assert legend(many).count("url(#sv-fill-") == SERIES
    assert legend(Chart("rows", ("a",), (Series("only", (1,)),))) == ""
    dashes = re.findall(r'stroke-dasharray="([^"]*)"', legend(two("lines")))
    assert len(dashes) == 1


def test_an_empty_chart_says_that_it_is_empty() -> None:
    """A chart without values is empty, and its description says so."""
    for chart in (Chart("columns", (), ()), Chart("rows", ("a",), (Series("x", (None,)),))):
        assert chart.empty
        assert described(chart) == "Nothing to show."
    assert not two().empty


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, ""), (0, "0"), (1234, "1,234"), (0.5, "0.5"), (1234.0, "1,234"), (0.00004, "0"), (2.25, "2.25")],
)
def test_figures(value: float | None, expected: str) -> None:
    """Numbers have thousands separators and no trailing zeros."""
    assert figure(value) == expected


@pytest.mark.parametrize(("value", "expected"), [(0, "0"), (950, "950"), (1200, "1.2k"), (3e6, "3M"), (2.5e9, "2.5G")])
def test_short_figures(value: float, expected: str) -> None:
    """Numbers on an axis are short."""
    assert short(value) == expected


NUMBERS = st.one_of(st.none(), st.integers(-(10**12), 10**12), st.floats(-1e12, 1e12, allow_nan=False))


@tried(60)
@given(st.data())
def test_any_values_and_labels_make_a_valid_drawing(data: st.DataObject) -> None:
    """For any values (negative, huge or missing), the SVG is well formed and nothing lies outside it."""
    kind = data.draw(st.sampled_from(KINDS))
    labels = tuple(data.draw(st.lists(st.text(max_size=60), min_size=1, max_size=12)))
    count = data.draw(st.integers(1, SERIES))
    series = tuple(
        Series(data.draw(st.text(max_size=40)), tuple(data.draw(NUMBERS) for _ in labels)) for _ in range(count)
    )
    chart = Chart(kind, labels, series)
    if chart.empty:
        return
    svg = parsed(drawn("x", data.draw(st.text(max_size=40)), chart))
    _, _, width, height = map(float, str(svg.get("viewBox")).split())
    for rect in svg.iter(f"{SVG}rect"):
        x, y, w, h = (float(rect.get(name) or 0) for name in ("x", "y", "width", "height"))
        assert w >= 0
        assert h >= 0
        assert -1 <= x <= x + w <= width + 1
        assert -1 <= y <= y + h <= height + 1


@given(st.floats(1e-6, 1e15), st.sampled_from(["", "US dollars", *COUNTED]))
def test_an_axis_has_a_few_round_marks_that_end_above_the_greatest_value(most: float, unit: str) -> None:
    """The marks begin at 0, are at equal distances, and the last is close above. Whole things have whole marks."""
    marks = ticks(most, unit)
    assert 2 <= len(marks) <= 6
    assert marks[0] == 0
    assert most * 0.999 <= marks[-1] <= max(most * 2.01, 1 if unit in COUNTED else 0)
    assert {round((after - before) / marks[1], 6) for before, after in itertools.pairwise(marks)} == {1}
    assert unit not in COUNTED or all(mark == int(mark) for mark in marks)


@pytest.mark.parametrize(
    ("value", "unit", "sentence", "axis"),
    [
        (68.92, "US dollars", "$68.92", "$68.9"),
        (0.5, "US dollars", "$0.50", "$0.50"),
        (3 * 0.2, "US dollars", "$0.60", "$0.60"),
        (0.00085, "US dollars", "$0.0008", "$0.00085"),
        (1200.0, "US dollars", "$1,200.00", "$1.2k"),
        (66.7, "percent", "66.7%", "66.7%"),
        (1.25, "seconds", "1.25 s", "1.25 s"),
        (1, "calls", "1 call", "1"),
        (1234, "tokens", "1,234 tokens", "1.23k"),
        (3.5, "tokens per second", "3.5 tokens per second", "3.5"),
        (None, "tokens", "", ""),
    ],
)
def test_numbers_have_their_units(value: float | None, unit: str, sentence: str, axis: str) -> None:
    """A number says what it counts, in sentences, tables and on an axis."""
    assert with_unit(value, unit) == sentence
    assert value is None or on_axis(value, unit) == axis


def test_a_small_amount_is_not_written_as_nothing() -> None:
    """An amount with no digit to show is said to be below a cent."""
    assert (with_unit(0.00001, "US dollars"), with_unit(0.0, "US dollars")) == ("<$0.01", "$0.00")


@pytest.mark.parametrize("labels", [(f"2026-09-{day:02}" for day in range(1, 31)), map(str, range(9)), ("0",) * 70])
def test_labels_below_an_axis_do_not_overlap(labels: Iterable[str]) -> None:
    """Labels are at equal distances, with room between them, each at its mark."""
    names = tuple(labels)
    svg = parsed(drawn("x", "X", Chart("columns", names, (Series("s", (1,) * len(names)),))))
    shown = [one for one in svg.iter(f"{SVG}text") if one.get("text-anchor") == "middle"]
    places = [float(one.get("x") or 0) for one in shown]
    wide = max(len(one.text or "") for one in shown) * 5.9
    assert len(shown) > 1
    assert all(after - before > wide for before, after in itertools.pairwise(places))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(1.2 + 2.4, 3.6, id="a_sum"),
        pytest.param(3.5999999999999996, 3.6, id="a_mean"),
        pytest.param(-(0.1 + 0.2), -0.3, id="below_zero"),
        pytest.param(0.000_001_5, 0.000_001_5, id="a_small_price"),
        pytest.param(1_234_567_890_123_456.5, 1_234_567_890_123_456.5, id="a_large_one"),
        pytest.param(float("inf"), float("inf"), id="endless"),
        pytest.param(36, 36, id="whole"),
        pytest.param("3.5999999999999996", "3.5999999999999996", id="text"),
        pytest.param(None, None, id="nothing"),
    ],
)
def test_figures_have_no_noise(value: object, expected: object) -> None:
    """Floats lose the rounding errors of addition; other values don't change."""
    assert without_noise(value) == expected
    assert type(without_noise(value)) is type(value)


def test_totals_are_sums_without_noise() -> None:
    """The costs of several days add up without binary rounding errors."""
    rows: list[dict[str, object]] = [{"dollars": 1.2}, {"dollars": 2.4}, {"dollars": None}]
    assert dict(totals({"cost_a_day": rows}))["US dollars"] == 3.6


def test_the_areas_over_columns_are_where_the_columns_are() -> None:
    """The style sheet places the areas that react to the mouse by the same margins as the drawing."""
    css = (Path(views.__file__).parent / "static/css/analytics.css").read_text("utf-8")
    found = [tuple(map(float, one.replace("%", "").split())) for one in re.findall(r"inset: ([0-9.% ]+);", css)]
    expected = [
        pytest.approx(
            [
                100 * frame.top / frame.height,
                100 * frame.right / frame.width,
                100 * frame.bottom / frame.height,
                100 * frame.left / frame.width,
            ],
            abs=0.1,
        )
        for frame in (NARROW, BROAD)
    ]
    assert [list(one) for one in found] == expected
