"""The rules of the words that PostgreSQL has for a canned query."""

from __future__ import annotations

import re

import pytest

from llm_session_memory.insight.catalogue import catalogue
from llm_session_memory.insight.dialect import bound, postgres


def named(name: str) -> str:
    return f"<{name}>"


@pytest.mark.parametrize(
    ("sqlite", "said"),
    [
        ("select sum(a = 'b') from t", "select sqlite_sum(a = 'b') from t"),
        ("select count(*), min(a) from t", "select count(*), min(a) from t"),
        ("select max(a, 1), min(b, c)", "select sqlite_larger(a, 1), sqlite_smaller(b, c)"),
        ("select a from t order by a, b desc", "select a from t order by a nulls first, b desc nulls last"),
        ("select id from t order by id desc limit 9", "select id from t order by id desc limit 9"),
        ("lag(a) over (order by b) as c", "lag(a) over (order by b nulls first) as c"),
        ("where a is b.c and d is not null", "where a is not distinct from b.c and d is not null"),
        ("where a is not 'tool'", "where a is distinct from 'tool'"),
        ("cast(:days as integer)", "sqlite_integer(<days>)"),
        ("100.0 * a / 2", "100.0::float8 * a / 2"),
        ("a >= date('now', '-' || :days)", "a >= (select sqlite_date('now', '-' || <days>))"),
        ("date(day, '-6 days')", "sqlite_date(day, '-6 days')"),
        ("name_key = session_key(:session)", "name_key = <session_key>"),
        ("group_concat(model)", "string_agg(model, ',' order by model)"),
        ("select rowid, * from main.turns", "select * from SCHEMA.turns"),
        ("-- sum(a), :b\nselect ':a', \"order\"", "-- sum(a), :b\nselect ':a', \"order\""),
    ],
)
def test_a_query_is_said_in_postgresqls_words(sqlite: str, said: str) -> None:
    """What differs is replaced, and nothing else: texts, names in quotes and comments stay as they are."""
    assert postgres(sqlite, named) == said


def test_an_unknown_cast_is_a_mistake_of_the_query() -> None:
    """A query is not sent to a server with words that mean something else there."""
    with pytest.raises(ValueError, match="blob"):
        postgres("cast(a as blob)", named)


def test_what_is_written_for_postgresql_keeps_its_casts() -> None:
    """Only parameters are replaced in a query that has a file of its own."""
    assert bound("select sum(a)::bigint where b = :b", named) == "select sum(a)::bigint where b = <b>"


def test_every_query_can_be_said() -> None:
    """No query of the catalogue has words that are not known, and each keeps its own comments."""
    for query in catalogue().values():
        said = postgres(query.sql, named)
        assert said.count("--") == query.sql.count("--")
        assert re.findall(r"(?<!:):[a-z]", said) == []
