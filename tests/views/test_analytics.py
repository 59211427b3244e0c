"""Rules of the dashboard: charts, and the tables and queries behind them."""

from __future__ import annotations

import random
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from datasette.app import Datasette

from datasette_session_views.compat import IS_1
from llm_session_memory.insight import numbers as counted
from llm_session_memory.insight.catalogue import catalogue
from llm_session_memory.insight.numbers import numbers, statement_of
from llm_session_memory.insight.panels import PANELS
from llm_session_memory.reader.functions import register
from llm_session_memory.reader.narrowing import Span, rows_within
from llm_session_memory.reader.source import Source
from llm_session_memory.reader.tables import present
from tests.views.conftest import Get, Tags, serving, shape
from tests.views.test_permissions import ROOT, asking, configured, with_tables
from tests.world.everything import Session, World, with_blocks, with_rating, with_recall, with_sessions
from tests.world.logs import START, LogBuilder, Said

DASHBOARD = "/logs/-/sessions/analytics"
EVIL = '</svg><script>alert("model")</script>'


@pytest.fixture(name="busy", scope="module")
def _busy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a log with something in every panel: two days, two models, a pruned session."""
    path = tmp_path_factory.mktemp("busy") / "logs.db"
    sent = (100, 200, 300, 150, 260)
    with LogBuilder(path) as log:
        work, other = log.thread(), log.thread()
        log.responses(log.thread(), Said("Old?", "Yes.", tokens=(5, 2), at=START))
        said = [Said("When?", "Soon.", tokens=(n, 10), duration_ms=1000) for n in sent]
        said[3] = replace(said[3], at=START + timedelta(days=1))
        turns = log.turns(work, *said, model="gpt-4o-mini")
        log.turns(other, Said("Hi?", tokens=(7, 3), duration_ms=500, at=START + timedelta(days=1)), model=EVIL)
    session = Session(work, "work", turns, attempts=[(f"{turns[-1][:-1]}z", "And?", "HTTP 500")])
    with_sessions(path, session)
    with_blocks(path, session, 3)
    with_recall(path, turns[4], turns[0], "when")
    with_rating(path, work, turns[0], "up")
    return path


def panels(answer: dict[str, object]) -> dict[str, dict[str, object]]:
    found = answer["panels"]
    assert isinstance(found, list)
    return {panel["query"].removeprefix("sessions_"): panel for panel in found}


def rows(answer: dict[str, object], query: str) -> list[dict[str, object]]:
    found = panels(answer)[query]["rows"]
    assert isinstance(found, list)
    return found


def test_every_panel_is_made_of_a_canned_query() -> None:
    """Each panel's query is in the catalogue and accepts the panel's parameters."""
    for panel in PANELS:
        query = catalogue()[f"sessions_{panel.made_by}"]
        parameters = {name for name, _ in query.parameters}
        assert set(panel.given) <= parameters
        assert not panel.within or parameters >= {"since", "until", "model"}


@pytest.mark.asyncio
async def test_each_panel_has_its_chart_its_table_its_words_and_its_query(busy: Path) -> None:
    """A panel has a heading, a chart, a definition, rows, and links to its query and to edit its SQL."""
    page = await serving(busy)(DASHBOARD)
    assert page.status == 200
    tags = Tags(page.text)
    charts = [attributes for tag, attributes in tags.found if tag == "svg" and attributes.get("class") == "sv-chart"]
    assert len(charts) == len(PANELS) + 1  # the first one for phones, too
    assert all(chart.get("role") == "img" and chart.get("aria-labelledby") for chart in charts)
    links = {str(attributes.get("href")) for tag, attributes in tags.found if tag == "a"}
    for panel in PANELS:
        query = catalogue()[f"sessions_{panel.made_by}"]
        assert panel.title in page.shown
        assert query.means in page.shown
        assert f"/logs/{query.name}" in links
    ids = [attributes["id"] for _, attributes in tags.found if attributes.get("id")]
    assert len(ids) == len(set(ids))
    assert shape(tags).count("table.sv-list") == len(PANELS)


DRAWN = frozenset("circle defs desc g path pattern polyline rect text title".split())

SOMETIMES = frozenset(
    {"ul.sv-legend", "li.", "svg.", "a.", "bdi.", "figcaption.sv-sub", "th.", "td.", "th.sv-n", "td.sv-n", "span."}
    | {"div.sv-plot sv-narrow", "div.sv-plot sv-broad", "div.sv-plot", "div.sv-hits"}
)

PANEL = ["section.sv-panel", "h2.", "figure.", "svg.sv-chart", "div.sv-about", "p.sv-sub"]
PANEL += ["details.sv-fold", "summary.", "b.", "div.sv-in sv-table", "table.sv-list", "thead.", "tr.", "tbody."]
PANEL += ["p.sv-sub sv-made", "span.sv-aside"]


@pytest.mark.asyncio
async def test_all_panels_are_built_alike(busy: Path) -> None:
    """Every panel has the same structure, whatever its chart and table show."""
    page = await serving(busy)(f"{DASHBOARD}?model=gpt-4o-mini")
    found = re.findall(r'<section class="sv-panel[ "].*?</section>', page.text, re.DOTALL)
    assert len(found) == len(PANELS)
    for html in found:
        shaped = [one.partition(" sv-")[0] if one.startswith("section") else one for one in shape(Tags(html))]
        names = dict.fromkeys(one for one in shaped if one.partition(".")[0] not in DRAWN)
        assert [name for name in names if name not in SOMETIMES] == PANEL


@pytest.mark.asyncio
async def test_the_linked_sql_is_the_sql_that_ran(busy: Path) -> None:
    """The SQL linked from each panel runs in Datasette and returns the same rows."""
    get = serving(busy)
    asked = "?since=2026-09-01&until=2026-09-01&model=gpt-4o-mini"
    page = await get(DASHBOARD + asked)
    twin = panels((await get(f"{DASHBOARD}.json{asked}")).json())
    edits = [
        str(attributes["href"])
        for tag, attributes in Tags(page.text).found
        if tag == "a" and "sql=" in str(attributes.get("href"))
    ]
    assert len(edits) == len(PANELS)
    for panel, edit in zip(PANELS, edits, strict=True):
        parts = urlsplit(edit)
        path = parts.path if IS_1 else parts.path.rstrip("/")
        answer = await get(f"{path}.json?{parts.query}&_shape=array")
        assert answer.status == 200, (panel.made_by, answer.text)
        assert answer.json() == twin[panel.made_by]["rows"], panel.made_by
        assert parse_qs(parts.query)["sql"]


@pytest.mark.asyncio
async def test_one_range_and_model_for_all(busy: Path) -> None:
    """The days and model in the URL filter every panel, including the older tables; the last day is included."""
    get = serving(busy)
    whole = (await get(f"{DASHBOARD}.json")).json()
    assert whole["totals"]["calls"] == 7
    assert {row["model"] for row in rows(whole, "latency_by_model")} >= {"gpt-4o-mini", EVIL}
    first = (await get(f"{DASHBOARD}.json?since=2026-09-01&until=2026-09-01")).json()
    assert first["totals"]["calls"] == 4
    second = (await get(f"{DASHBOARD}.json?since=2026-09-02")).json()
    assert second["totals"]["calls"] == 3
    assert [bool(rows(first, query)) for query in ("failed_prompts", "rating_by_model")] == [True, True]
    assert [bool(rows(second, query)) for query in ("failed_prompts", "rating_by_model")] == [False, False]
    assert [row["excerpts"] for row in rows(first, "recall_a_day")] == [0]
    assert [row["excerpts"] for row in rows(second, "recall_a_day")] == [1]
    one = (await get(f"{DASHBOARD}.json?model=gpt-4o-mini")).json()
    assert one["totals"]["calls"] == 6
    none = (await get(f"{DASHBOARD}.json?model=nothing")).json()
    assert not any(panel["rows"] for name, panel in panels(none).items() if name != "session_lengths")
    page = await get(f"{DASHBOARD}?model=gpt-4o-mini&since=2026-09-01")
    assert '<option value="gpt-4o-mini" selected>' in page.text
    assert 'name="since" value="2026-09-01"' in page.text


@pytest.mark.asyncio
async def test_tokens_saved_count_the_whole_history(busy: Path) -> None:
    """The whole history, without excerpts, counts from the first request, even if only later days are shown."""
    get = serving(busy)
    lines = rows((await get(f"{DASHBOARD}.json")).json(), "pruning_by_exchange")
    assert [(row["tokens_sent"], row["tokens_whole_about"]) for row in lines] == [
        (100, 100), (200, 200), (300, 300), (150, 311), (260, 373),
    ]  # fmt: skip
    (day,) = rows((await get(f"{DASHBOARD}.json?since=2026-09-02")).json(), "tokens_saved")
    assert (day["tokens_sent"], day["tokens_whole_about"], day["tokens_saved_about"]) == (410, 685, 275)
    later = rows((await get(f"{DASHBOARD}.json?since=2026-09-02")).json(), "pruning_by_exchange")
    assert [row["tokens_whole_about"] for row in later] == [311, 373]


@pytest.mark.asyncio
@pytest.mark.parametrize("asked", ["since=2027-01-01&until=2026-01-01", "model=%00%27", "until=9999-12-31"])
async def test_strange_parameters_do_no_harm(busy: Path, asked: str) -> None:
    """A range without days and a model that never was are answered."""
    get = serving(busy)
    assert (await get(f"{DASHBOARD}?{asked}")).status == 200
    assert (await get(f"{DASHBOARD}.json?{asked}")).status == 200


@pytest.mark.asyncio
async def test_names_of_models_and_sessions_are_text(busy: Path) -> None:
    """A model name that contains markup is plain text in the chart, legend, table and form."""
    page = await serving(busy)(DASHBOARD)
    tags = Tags(page.text)
    assert 'alert("model")' in page.shown
    scripts = [attributes for tag, attributes in tags.found if tag == "script"]
    plain = Tags((await serving(busy)("/logs/-/sessions")).text)
    assert len(scripts) == len([1 for tag, _ in plain.found if tag == "script"])


@pytest.mark.asyncio
async def test_the_policy_of_the_page_blocks_everything_foreign(busy: Path) -> None:
    """The page has no style attributes or event handlers, which the policy would block."""
    page = await serving(busy)(DASHBOARD)
    assert "style-src 'self'" in page.headers["content-security-policy"]
    names = {name for tag, attributes in Tags(page.text).found for name in attributes if tag not in ("script", "body")}
    assert not {name for name in names if name == "style" or name.startswith("on")}


@pytest.mark.asyncio
async def test_a_long_table_is_cut_and_says_so(tmp_path: Path) -> None:
    """The page shows the first rows of a long table and counts the rest, which are in the JSON."""
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log:
        thread = log.thread()
        log.turns(thread, *(Said("Hi?", tokens=(5, 5), at=START + timedelta(days=day)) for day in range(60)), block=1)
    page = await serving(path)(DASHBOARD)
    assert "… and 10 more. See the JSON, or run the query." in page.shown
    assert len(rows((await serving(path)(f"{DASHBOARD}.json")).json(), "cost_a_day")) == 60


@pytest.mark.asyncio
async def test_a_chart_of_many_days_has_weeks_or_months(tmp_path: Path) -> None:
    """More than 92 days are drawn by week, more than 92 weeks by month, and the chart says which."""
    for days, each in ((60, None), (200, "week"), (900, "month")):
        path = tmp_path / f"{days}.db"
        with LogBuilder(path) as log:
            thread = log.thread()
            said = (Said("Hi?", tokens=(5, 5), at=START + timedelta(days=day)) for day in (0, days))
            log.turns(thread, *said)
        page = await serving(path)(f"/{days}/-/sessions/analytics")
        assert ("One column per" in page.shown) == bool(each)
        assert each is None or f"One column per {each}." in page.shown


@pytest.mark.asyncio
async def test_a_log_with_nothing_in_it_is_one_sentence(tmp_path: Path, busy: Path) -> None:
    """Instead of a dozen empty panels, the page says what to do, or that nothing matches."""
    with LogBuilder(tmp_path / "logs.db"):
        pass
    page = await serving(tmp_path / "logs.db")(DASHBOARD)
    assert page.status == 200
    assert "Nothing has been logged yet. Start with:" in page.shown
    narrowed = await serving(busy)(f"{DASHBOARD}?since=2030-01-01")
    assert "Nothing in the log matches. Show everything" in narrowed.shown
    assert not any(
        "sv-panel" in one or "sv-tile" in one for one in (*shape(Tags(page.text)), *shape(Tags(narrowed.text)))
    )


@pytest.mark.asyncio
async def test_panels_without_data_are_named_in_one_line(busy: Path) -> None:
    """What a period has no data for takes no room, but its query is still there."""
    page = await serving(busy)(f"{DASHBOARD}?since=2026-09-02")
    assert "No data in this period for: Failed prompts , Ratings, by model ." in page.shown
    assert 'id="failed-prompts"' not in page.text
    assert "/logs/sessions_failed_prompts" in page.text


@pytest.mark.asyncio
async def test_what_has_no_chart_comes_last_and_few_figures_are_not_stretched(tmp_path: Path) -> None:
    """A log without tokens, times and prices has one figure, and its panels without a chart stand in one column."""
    with LogBuilder(tmp_path / "logs.db") as log:
        log.turns(log.thread(), Said("Hi?", at=START))
    page = await serving(tmp_path / "logs.db")(DASHBOARD)
    found = [str(attributes.get("class")).split() for _, attributes in Tags(page.text).found]
    assert [classes for classes in found if "sv-tiles" in classes] == [["sv-tiles", "sv-few"]]
    plain = ["sv-chartless" in classes for classes in found if "sv-panel" in classes]
    assert any(plain)
    assert plain == sorted(plain)
    assert "No chart: all values are zero or unknown." in page.shown


@pytest.mark.asyncio
async def test_figures_are_compared_with_the_period_before(busy: Path) -> None:
    """Each tile has its figure with a unit, and what it was in as many days before; JSON has both periods."""
    get = serving(busy)
    asked = "?since=2026-09-02&until=2026-09-02"
    page = await get(DASHBOARD + asked)
    tiles = re.findall(r'<div class="sv-tile">.*?</div>', page.text, re.DOTALL)
    said = [" ".join(Tags(tile).text.split()) for tile in tiles]
    assert said == [
        "calls 3 ▼ 25% less than in the day before",
        "tokens 440 ▼ 31% less than in the day before",
        "cost $0.0001 The same as in the day before",
        "tokens saved by pruning (estimate) 275 ▲ Nothing in the day before",
    ]
    assert 'title="3 calls, before: 4 calls"' in page.text
    answer = (await get(f"{DASHBOARD}.json{asked}")).json()
    before = answer["before"]
    assert (before["since"], before["until"], before["totals"]["calls"]) == ("2026-09-01", "2026-09-01", 4)
    assert (await get(f"{DASHBOARD}.json")).json()["before"] is None


@pytest.mark.asyncio
async def test_a_day_leads_to_the_sessions_of_that_day(busy: Path) -> None:
    """Each column of days, and each day in a table, links to the sessions used then, with the page's filters."""
    get = serving(busy)
    page = await get(f"{DASHBOARD}?model=gpt-4o-mini")
    links = {
        str(attributes["href"]) for tag, attributes in Tags(page.text).found if tag == "a" and "href" in attributes
    }
    days = sorted(link for link in links if "/-/sessions?since=2026-09-0" in link)
    assert [parse_qs(urlsplit(day).query)["since"] for day in days] == [["2026-09-01"], ["2026-09-02"]]
    listed = await get(days[1])
    assert listed.status == 200
    assert "work" in listed.shown
    hits = [
        attributes for tag, attributes in Tags(page.text).found if tag == "a" and attributes.get("tabindex") == "-1"
    ]
    assert {hit["href"] for hit in hits} == set(days)
    assert any(str(hit["title"]).startswith("2026-09-02: ") for hit in hits)


@pytest.mark.asyncio
async def test_a_panel_is_as_closed_as_the_tables_it_reads(busy: Path) -> None:
    """People who may not view a table get no numbers from it, on the page or as JSON. Other panels remain."""
    ask = asking(busy, with_tables({"memory_attempts": {"allow": {"id": "root"}}}))
    closed = (await ask(f"{DASHBOARD}.json")).json()
    assert panels(closed)["failed_prompts"]["allowed"] is False
    assert rows(closed, "failed_prompts") == []
    assert closed["totals"]["failed prompts"] is None
    assert rows(closed, "tokens_a_day_by_model")
    page = await ask(DASHBOARD)
    assert "You don&#39;t have permission to see a table that this panel reads." in page.text
    assert "/logs/sessions_failed_prompts" not in page.text
    opened = (await ask(f"{DASHBOARD}.json", ROOT)).json()
    assert rows(opened, "failed_prompts")


@pytest.mark.asyncio
async def test_without_the_right_to_run_sql_there_is_nothing_to_edit(busy: Path) -> None:
    """Canned queries are still linked, but editing them needs permission to run SQL."""
    page = await serving(busy, settings={"default_allow_sql": False})(DASHBOARD)
    assert "Edit this SQL" not in page.text
    assert "/logs/sessions_tokens_a_day_by_model" in page.text


@pytest.mark.asyncio
async def test_the_dashboard_works_below_any_base_url(world: World) -> None:
    """Links on the dashboard, and to it from the list, include the base_url."""
    datasette = Datasette([str(world.path)], **configured({}), settings={"base_url": "/prefix/"})
    await datasette.invoke_startup()
    listed = await datasette.client.get("/logs/-/sessions")
    assert f'href="/prefix{DASHBOARD}"' in listed.text
    page = await datasette.client.get(DASHBOARD)
    links = [str(attributes.get("href")) for tag, attributes in Tags(page.text).found if tag in ("a", "form")]
    assert all(link.startswith(("/prefix/", "https://datasette.io", "#", "None")) for link in links)


@pytest.mark.asyncio
async def test_the_page_links_to_its_json(get: Get) -> None:
    """The page links to its JSON with the same range and model."""
    page = await get(f"{DASHBOARD}?since=2026-09-01&model=gpt-4o-mini")
    assert f"{DASHBOARD}.json?since=2026-09-01&amp;model=gpt-4o-mini" in page.text
    assert f"{DASHBOARD}.json?since=2026-09-01&model=gpt-4o-mini" in page.headers["link"]


def source_of(path: Path) -> Source:
    connection = sqlite3.connect(path)
    register(connection)
    return Source(connection, present(connection), str(path))


def test_the_dashboard_of_one_conversation(busy: Path) -> None:
    """Filtered to one conversation, every panel counts only that one."""
    source = source_of(busy)
    (work,) = source.query("select thread_id from memory_sessions")
    span = Span(thread_id=work["thread_id"])
    found = {panel.made_by: numbers(source, panel, span).rows for panel in PANELS}
    assert [row["calls"] for row in found["longest_sessions"]] == [5]
    assert sum(row["calls"] for row in found["tokens_a_day_by_model"]) == 5
    assert len(found["pruning_by_exchange"]) == 5
    nowhere = {panel.made_by: numbers(source, panel, Span(thread_id="none")).rows for panel in PANELS}
    assert not any(found for query, found in nowhere.items() if query != "session_lengths")


SPANS = {
    "from a day on": Span(since="2026-09-03"),
    "up to a day": Span(until="2026-09-03"),
    "one day": Span(since="2026-09-02", until="2026-09-02"),
    "a model of some days": Span(since="2026-09-01", until="2026-09-04", model="gpt-4o-mini"),
    "no such days": Span(since="2030-01-01"),
    "days that are none": Span(since="2026-09-04", until="2026-09-01"),
}


@pytest.mark.parametrize("span", SPANS.values(), ids=SPANS)
def test_reading_only_the_rows_of_some_days_changes_no_number(busy: Path, tmp_path: Path, span: Span) -> None:
    """Wherever the calls of a range are in the table, each panel has the same rows as its linked query."""
    path = tmp_path / "logs.db"
    path.write_bytes(busy.read_bytes())
    connection = sqlite3.connect(path)
    rng = random.Random(1)
    for table in ("turns", "responses", "memory_attempts"):
        for (row,) in connection.execute(f"select rowid from {table}").fetchall():
            moment = f"2026-09-{rng.randrange(1, 6):02d}T10:00:00+00:00"
            connection.execute(f"update {table} set datetime_utc = ? where rowid = ?", (moment, row))
    connection.commit()
    source = source_of(path)
    first, last = rows_within(source, span) or (None, None)
    assert first is not None
    inside = [row["id"] for row in source.query("select rowid as id, datetime_utc from turns") if _lies(row, span)]
    assert (first, last) == ((min(inside), max(inside)) if inside else (0, -1))
    for panel in PANELS:
        sql, given = statement_of(panel, source.tables, span)
        assert list(numbers(source, panel, span).rows) == source.query(sql, **given), panel.made_by


def _lies(row: dict[str, str], span: Span) -> bool:
    day = row["datetime_utc"][:10]
    return (span.since or "") <= day <= (span.until or "~")


MANY = 5_000
"""Calls of a log that is large in these rules: with as many as in life, a busy machine would give up a panel."""


@pytest.fixture(name="large", scope="module")
def _large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Make a log too large to add up by default: one call per hour until the end of August 2026, and an old one."""
    path = tmp_path_factory.mktemp("large") / "logs.db"
    with LogBuilder(path) as log:
        log.turns(log.thread(), Said("Hi?", tokens=(7, 3)), model="gpt-4o")
    connection = sqlite3.connect(path)
    connection.execute("update turns set datetime_utc = '2001-01-01T00:00:00+00:00'")
    connection.execute(
        "insert into turns (id, thread_id, model, datetime_utc, input_tokens)"
        " with recursive hours (n) as (select 0 union all select n + 1 from hours where n < ?)"
        " select printf('%026d', n), 'a thread', 'gpt-4o-mini', strftime('%Y-%m-%dT%H:00:00+00:00',"
        " '2026-08-31T23:00:00', (n - ?) || ' hours'), 1 from hours",
        (MANY, MANY),
    )
    connection.commit()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counted, "LARGE", MANY)
        yield path


@pytest.mark.asyncio
async def test_a_large_log_shows_its_last_days_and_says_so(large: Path) -> None:
    """Without a range, the page shows the last 90 days of the log and a link to all time."""
    get = serving(large)
    page = await get(DASHBOARD)
    assert "the last 90 days, from 2026-06-03." in page.shown
    assert f'<a href="{DASHBOARD}?since=all">Show all time</a>' in page.text
    assert 'name="since" value="2026-06-03"' in page.text
    assert f"{DASHBOARD}.json?since=2026-06-03" in page.headers["link"]
    twin = (await get(f"{DASHBOARD}.json")).json()
    assert (twin["since"], twin["usual_range"], twin["totals"]["calls"]) == ("2026-06-03", True, 90 * 24)
    one = (await get(f"{DASHBOARD}.json?model=gpt-4o")).json()
    assert (one["since"], one["totals"]["calls"]) == ("2026-06-03", None)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("asked", "calls", "since"),
    [
        ("since=all", MANY + 2, None),
        ("since=&since=all", MANY + 2, None),
        ("since=all&model=gpt-4o", 1, None),
        ("until=2001-01-01", 1, None),
        ("since=2026-08-31", 24, "2026-08-31"),
        ("since=2026-08-31&since=all", 24, "2026-08-31"),
    ],
)
async def test_any_other_range_of_a_large_log_is_one_click_away(
    large: Path, asked: str, calls: int, since: str | None
) -> None:
    """`since=all` selects all time and survives submitting the form; a day takes precedence."""
    get = serving(large)
    twin = (await get(f"{DASHBOARD}.json?{asked}")).json()
    assert (twin["totals"]["calls"], twin["since"], twin["usual_range"]) == (calls, since, False)
    page = await get(f"{DASHBOARD}?{asked}")
    assert "its last 90 days" not in page.shown
    kept = '<input type="hidden" name="since" value="all">' in page.text
    assert kept == (since is None and "until" not in asked)
    assert ("since=all" in page.headers["link"]) == kept


def test_a_panel_that_takes_too_long_is_stopped(busy: Path) -> None:
    """A panel that ran out of time has no rows and says so; the connection stays usable."""
    source = source_of(busy)
    source.connection.executescript(
        "create temp table many (n); insert into many with recursive c(n) as"
        " (select 1 union all select n + 1 from c where n < 300000) select n from c;"
        "create temp view turns as select m.n as rowid, 'x' || m.n as id, 'x' as thread_id, 'm' as model,"
        " '2026-09-01' as datetime_utc, 1 as duration_ms, 1 as input_tokens, 1 as output_tokens from many m;"
    )
    late = numbers(source, PANELS[0], Span(), patience=0)
    assert late.late
    assert late.rows == ()
    assert source.value("select 1") == 1
