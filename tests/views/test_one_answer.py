"""Rules of questions that stand for several: the answers are always those that Datasette 0.65 gives to each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from datasette import hookimpl
from datasette.app import Datasette
from datasette.plugins import pm

from datasette_session_views.compat import IS_1
from datasette_session_views.web.asked_once import allowed_tables
from datasette_session_views.web.offering import openable
from llm_session_memory.insight.catalogue import catalogue
from tests.views.test_permissions import ALEX, ROOT, with_tables
from tests.world.everything import World

pytestmark = [
    pytest.mark.skipif(IS_1, reason="permissions of 1.0 come from SQL, not from a function"),
    pytest.mark.asyncio,
]

ACTORS: tuple[dict[str, str] | None, ...] = (None, ALEX, ROOT)
TABLES = frozenset(
    {"threads", "turns", "messages", "fragments", "memory_notes", "memory_ratings", "memory_session_list"}
)
QUERIES = frozenset({"sessions_tokens_a_day", *sorted(catalogue())[::50]})
LOCK = {"allow": {"id": "root"}}


def plugin(**hooks: Callable[..., Any]) -> Any:
    """Return a plugin with these hooks."""
    made = type("Other", (), {name: staticmethod(hookimpl(hook)) for name, hook in hooks.items()})()
    made.__name__ = "other"  # Datasette lists its plugins by name
    return made


@contextmanager
def installed(*plugins: Any) -> Iterator[None]:
    with ExitStack() as stack:
        for one in plugins:
            pm.register(one, str(id(one)))
            stack.callback(pm.unregister, one)
        yield


def hides_notes(action: str, resource: Any) -> bool | None:
    return False if action == "view-table" and resource[1] == "memory_notes" else None


def hides_notes_from_others(actor: Any, action: str, resource: Any) -> bool | None:
    return bool(actor) if action == "view-table" and resource[1] == "memory_notes" else None


def lets_only_root_view(actor: Any, action: str) -> bool | None:
    return bool(actor and actor["id"] == "root") if action.startswith("view-") else None


def lets_everybody_view(action: str) -> bool | None:
    return True if action.startswith("view-") else None


@hookimpl(hookwrapper=True)  # type: ignore[untyped-decorator]
def hides_notes_from_outside(action: str, resource: Any) -> Iterator[None]:
    outcome = yield
    if action == "view-table" and resource[1] == "memory_notes":
        outcome.force_result([False])  # type: ignore[attr-defined]


def locks_notes(database: str | None) -> dict[str, Any]:
    """Return metadata for those who ask for that of a database."""
    return with_tables({"memory_notes": LOCK}) if database else {}


def locks_a_query(database: str) -> dict[str, Any]:
    return {"sessions_tokens_a_day": {"sql": "select 1", **LOCK}}


def hides_a_query(action: str, resource: Any) -> bool | None:
    return False if action == "view-query" and resource[1] == "sessions_tokens_a_day" else None


AROUND = plugin()
AROUND.permission_allowed = hides_notes_from_outside

BOTH, TABLES_ALONE, QUERIES_ALONE = {"view-table", "view-query"}, {"view-table"}, {"view-query"}

CASES: list[Any] = [
    pytest.param({}, [], BOTH, id="no rules"),
    pytest.param(LOCK, [], BOTH, id="a locked instance"),
    pytest.param({"databases": {"logs": LOCK}}, [], BOTH, id="a locked database"),
    pytest.param(with_tables({"turns": {"title": "Turns"}}), [], BOTH, id="a table with a title"),
    pytest.param(with_tables({"turns": LOCK}), [], QUERIES_ALONE, id="a locked table"),
    pytest.param(with_tables({"TURNS": LOCK}), [], QUERIES_ALONE, id="a locked table in capitals"),
    pytest.param({**LOCK, **with_tables({"turns": {"allow": True}})}, [], QUERIES_ALONE, id="an open table"),
    pytest.param({"tables": {"turns": LOCK}}, [], QUERIES_ALONE, id="a locked table of every database"),
    pytest.param(
        {"databases": {"logs": {"queries": {"sessions_tokens_a_day": {"sql": "select 1", **LOCK}}}}},
        [],
        BOTH,
        id="a query configured instead of ours",
    ),
    pytest.param({}, [plugin(permission_allowed=hides_notes)], set(), id="a plugin for tables"),
    pytest.param({}, [plugin(permission_allowed=hides_notes_from_others)], set(), id="a plugin for tables and actors"),
    pytest.param({}, [plugin(permission_allowed=lets_only_root_view)], BOTH, id="a plugin for actors"),
    pytest.param(LOCK, [plugin(permission_allowed=lets_everybody_view)], BOTH, id="a plugin for all"),
    pytest.param(
        with_tables({"turns": LOCK}),
        [plugin(permission_allowed=lets_everybody_view)],
        QUERIES_ALONE,
        id="a plugin against a lock",
    ),
    pytest.param({}, [AROUND], set(), id="a plugin around the others"),
    pytest.param({}, [plugin(get_metadata=locks_notes)], set(), id="a plugin with metadata"),
    pytest.param({}, [plugin(canned_queries=locks_a_query)], TABLES_ALONE, id="a plugin with a query"),
    pytest.param({}, [plugin(permission_allowed=hides_a_query)], set(), id="a plugin for queries"),
]
"""What is configured, the other plugins, and for what one question stands for several."""


async def said(datasette: Datasette, actor: Any, action: str, names: frozenset[str]) -> frozenset[str]:
    """Return what Datasette lets an actor view, asked about each of these names."""
    others = [("view-database", "logs"), "view-instance"]
    seen = {
        name: (await datasette.check_visibility(actor, permissions=[(action, ("logs", name)), *others]))[0]
        for name in names
    }
    return frozenset(name for name, visible in seen.items() if visible)


@pytest.mark.parametrize(("metadata", "plugins", "alike"), CASES)
async def test_the_answers_are_those_that_datasette_gives_to_each(
    world: World, metadata: dict[str, Any], plugins: list[Any], alike: set[str]
) -> None:
    """Whatever decides on permissions, an actor may view the tables and queries that Datasette lets them view.

    If there is a rule for one of them, or a plugin is told which one it is, Datasette is asked about each.
    """
    asked: list[str] = []

    def counts(action: str) -> None:
        asked.append(action)

    with installed(*plugins, plugin(permission_allowed=counts)):
        datasette = Datasette([str(world.path)], metadata=metadata)
        await datasette.invoke_startup()
        for actor in ACTORS:
            for action, names, found in (("view-table", TABLES, allowed_tables), ("view-query", QUERIES, openable)):
                asked.clear()
                seen = await found(datasette, actor, "logs", names)
                questions = asked.count(action)
                assert seen == await said(datasette, actor, action, names), action
                if actor == ROOT:  # others are denied queries by ourselves, and those are asked about one by one
                    assert (questions < len(names)) is (action in alike), (action, questions)
