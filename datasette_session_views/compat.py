"""All the differences between Datasette 0.65 and 1.0.

Everything here returns the same shape on both, so the rest of the package does not know which version it runs on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import urlencode

from datasette import Forbidden, NotFound, Response
from datasette.plugins import pm
from datasette.utils import actor_matches_allow, await_me_maybe, tilde_decode, tilde_encode
from datasette.utils.asgi import Base400
from datasette.views.base import DatasetteError

from .one_answer import queries_are_alike, tables_are_alike

try:  # 1.0a20 and newer
    from datasette.resources import DatabaseResource, QueryResource, TableResource

    IS_1 = True
except ImportError:
    IS_1 = False

__all__ = [
    "IS_1",
    "Forbidden",
    "NotFound",
    "OfferedQuery",
    "Refused",
    "Response",
    "allowed",
    "allowed_queries",
    "allowed_tables",
    "checked_by_nobody",
    "csrf_token",
    "database_of",
    "denial_rules",
    "execute_write",
    "find_database",
    "jump_sql",
    "may_rate",
    "offer_queries",
    "others_forbid",
    "own_queries",
    "rating_allowed",
    "same_for_all",
    "sql_url",
    "status_and_words",
    "streamed",
    "tables_in_one_answer",
    "tilde_decode",
    "tilde_encode",
]

T = TypeVar("T")

Actor = Mapping[str, Any] | None

_SOURCE = "llm-session-memory"
"""The source that marks our queries in 1.0's own table of queries."""

_SILENCE_ALLOWS = frozenset({"view-instance", "view-database", "view-table", "view-query", "execute-sql"})
"""Actions that 0.65 allows by default."""


async def allowed(
    datasette: Any, actor: Actor, action: str, database: str | None = None, child: str | None = None
) -> bool:
    """Return whether an actor may do something to the instance, a database, or one of its tables or queries."""
    if IS_1:
        return bool(await datasette.allowed(action=action, resource=_resource(action, database, child), actor=actor))
    resource: Any = database if child is None else (database, child)
    if database and child and action in ("view-table", "view-query"):
        return child in await _allowed_of(datasette, actor, action, database, frozenset([child]))
    if action == "view-database":
        return await _database_allowed(datasette, actor, database)
    default = action in _SILENCE_ALLOWS
    return bool(await datasette.permission_allowed(actor, action, resource=resource, default=default))


async def _database_allowed(datasette: Any, actor: Actor, database: str | None) -> bool:
    """Return whether 0.65 lets an actor view a database: its own rule counts, else the rule of the instance."""
    try:
        await datasette.ensure_permissions(actor, [("view-database", database), "view-instance"])
    except Forbidden:
        return False
    return True


def _resource(action: str, database: str | None, child: str | None) -> Any:
    if database is None:
        return None
    if child is None:
        return DatabaseResource(database)
    return (QueryResource if action.endswith("-query") else TableResource)(database, child)


async def allowed_tables(datasette: Any, actor: Actor, database: str, tables: Iterable[str]) -> frozenset[str]:
    """Return the tables that an actor may view, out of the given ones.

    1.0 answers for a whole database at once. 0.65 looks each table up in its file and asks every plugin, so what holds
    for all tables is asked once.
    """
    wanted = frozenset(tables)
    if IS_1:
        page = await datasette.allowed_resources("view-table", actor, parent=database, limit=1000)
        known = {resource.child for resource in page.resources} & wanted
        rest = {table for table in wanted - known if await allowed(datasette, actor, "view-table", database, table)}
        return frozenset(known | rest)
    alike = wanted if tables_in_one_answer(datasette) else frozenset[str]()
    return await _allowed_of(datasette, actor, "view-table", database, wanted, alike)


def tables_in_one_answer(datasette: Any) -> bool:
    """Return whether Datasette answers for all tables of a database at once: always on 1.0, sometimes on 0.65."""
    return IS_1 or tables_are_alike(pm.hook, datasette.metadata())


async def allowed_queries(
    datasette: Any, actor: Actor, database: str, names: AbstractSet[str], undenied: AbstractSet[str] = frozenset()
) -> frozenset[str]:
    """Return the queries that an actor may run, out of the given ones.

    1.0 answers for a whole database at once. 0.65 is asked about each query, but once about those that we offer and
    don't deny ourselves, if it has the same answer for them.
    """
    if IS_1:
        page = await datasette.allowed_resources("view-query", actor, parent=database, limit=1000)
        return frozenset(resource.child for resource in page.resources) & names
    alike = names & undenied if queries_are_alike(pm.hook) else frozenset[str]()
    return await _allowed_of(datasette, actor, "view-query", database, names, alike)


async def _allowed_of(  # noqa: PLR0913  the parts of a question
    datasette: Any,
    actor: Actor,
    action: str,
    database: str,
    children: AbstractSet[str],
    alike: AbstractSet[str] = frozenset(),
) -> frozenset[str]:
    """Return the tables or queries that 0.65 lets an actor view. The rule for those without one of their own is one.

    Those that are `alike` have the same answer, so Datasette is asked about one of them.
    """
    asked = (children - alike) | frozenset(sorted(alike)[:1])
    said = {
        child: await datasette.permission_allowed(actor, action, resource=(database, child), default=None)
        for child in asked
    }
    for child in alike - asked:
        said[child] = said[min(alike)]
    otherwise = None in said.values() and await _database_allowed(datasette, actor, database)
    return frozenset(child for child, may in said.items() if (otherwise if may is None else may))


def database_of(datasette: Any, request: Any) -> Any:
    """Return the database named in a request's path."""
    return find_database(datasette, tilde_decode(request.url_vars["database"]))


def find_database(datasette: Any, route: str) -> Any:
    """Return the database for a route, or raise NotFound."""
    try:
        return datasette.get_database(route=route)
    except KeyError:
        raise NotFound(f"Database not found: {route}") from None


def streamed(pieces: AsyncIterator[str], content_type: str, headers: Mapping[str, str]) -> Any:
    """Return a response that is sent piece by piece."""
    from datasette.utils.asgi import AsgiStream

    async def write(writer: Any) -> None:
        async for piece in pieces:
            await writer.write(piece)

    return AsgiStream(write, headers=dict(headers), content_type=content_type)


def sql_url(datasette: Any, database: str, sql: str, parameters: Mapping[str, Any]) -> str:
    """Return the URL of the page that runs this SQL."""
    path = datasette.urls.database(database)
    asked = "&".join([_encoded(sql), *([urlencode(parameters)] if parameters else [])])
    return f"{path}/-/query?{asked}" if IS_1 else f"{path}?{asked}"


@lru_cache(maxsize=100)
def _encoded(sql: str) -> str:
    """Return a parameter with this SQL. The analytics link to the same long statements again and again."""
    return urlencode({"sql": sql})


# -- writing ----------------------------------------------------------------------

RATE = "rate-exchange"
"""Our own permission for 0.65, which has none for writing. By default nobody has it."""

_CONFIGURED_AS = "llm-session-memory"
"""The key of our plugin's configuration."""


class Refused(DatasetteError):  # type: ignore[misc]  # Datasette has no types
    """The request can't be carried out; has a message for the user and an HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message, status=status)


def status_and_words(error: Exception) -> tuple[int, str]:
    """Return the HTTP status of an error and what it says. Other errors than Datasette's are 500."""
    if isinstance(error, DatasetteError):
        return int(error.status), str(error.message)
    if isinstance(error, Base400):
        said = str(error.args[0]) if error.args else ""
        return int(error.status), said if " " in said else "This page doesn't exist."
    return 500, str(error)


async def others_forbid(datasette: Any, request: Any, message: str) -> Any:
    """Return what another plugin shows to a visitor without permission, or None. Datasette's own page doesn't count."""
    own = [one for one in pm.get_plugins() if getattr(one, "__name__", "") in ("datasette.forbidden", __package__)]
    others = pm.subset_hook_caller("forbidden", own)
    for answer in others(datasette=datasette, request=request, message=message):
        found = await await_me_maybe(answer)
        if found is not None:
            return found
    return None


async def may_rate(datasette: Any, actor: Actor, database: str, table: str) -> bool:
    """Return whether an actor may write ratings to a table: `insert-row` on 1.0, our own `rate-exchange` on 0.65."""
    if IS_1:
        return await allowed(datasette, actor, "insert-row", database, table)
    return await allowed(datasette, actor, RATE, database)


def rating_allowed(datasette: Any, actor: Actor, database: str) -> bool | None:
    """Return whether 0.65's configuration allows `rate-exchange`, or None if it has no rule for it."""
    rule = (datasette.plugin_config(_CONFIGURED_AS, database=database) or {}).get(RATE)
    return None if rule is None else bool(actor_matches_allow(actor, rule))


def csrf_token(request: Any) -> str:
    """Return the CSRF token for a form on 0.65. 1.0 checks the origin of the request instead."""
    return "" if IS_1 else str(request.scope["csrftoken"]())


def checked_by_nobody(request: Any) -> bool:
    """Return whether a POST may come from another site and Datasette has not checked it.

    0.65 does not check requests without cookies. Our own form sends the cookie of its token, and clients other than
    browsers send neither of these headers.
    """
    headers = request.headers
    if IS_1 or headers.get("cookie") or headers.get("authorization", "").startswith("Bearer "):
        return False
    return "origin" in headers or "sec-fetch-site" in headers


async def execute_write(database: Any, function: Callable[[Any], T]) -> T:
    """Run a function on a database's write connection. The function manages its own transaction."""
    more = {"transaction": False} if IS_1 else {}
    result: T = await database.execute_write_fn(function, **more)
    return result


# -- what browsers keep -----------------------------------------------------------

View = TypeVar("View", bound=Callable[..., Any])


def same_for_all(view: View) -> View:
    """Mark a view whose answers are the same for everybody, as Datasette marks its own.

    Otherwise Datasette tells every browser that has a cookie to keep nothing, whatever the view says.
    """
    vars(view)["_datasette_static"] = True
    return view


# -- canned queries ---------------------------------------------------------------


class OfferedQuery(dict[str, Any]):
    """A query that we offer. 0.65 adds it to the configured queries of the database: its kind tells it from those.

    0.65 copies them all whenever it is asked about a table, so a copy has to be cheap. It has the same values.
    """

    def __deepcopy__(self, memo: Any) -> OfferedQuery:
        return OfferedQuery(self)


def own_queries(datasette: Any, database: str) -> frozenset[str]:
    """Return the names of the queries configured for a database. On 1.0, see offer_queries."""
    if IS_1:
        return frozenset()
    queries = datasette.metadata("queries", database=database, fallback=False) or {}
    return frozenset(name for name, query in queries.items() if not isinstance(query, OfferedQuery))


async def offer_queries(datasette: Any, database: str, queries: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    """Replace our queries in 1.0's table of queries. Return the names that are already taken."""
    taken: set[str] = set()
    await datasette.get_internal_database().execute_write(
        "delete from queries where database_name = ? and source = ?", [database, _SOURCE]
    )
    for name, query in queries.items():
        if await datasette.get_query(database, name):
            taken.add(name)
            continue
        await datasette.add_query(
            database,
            name,
            query["sql"],
            title=query["title"],
            description=query["description"],
            hide_sql=True,
            parameters=query["params"],
            is_trusted=True,
            source=_SOURCE,
        )
    return frozenset(taken)


def denial_rules(denied: Iterable[tuple[str, str]]) -> list[Any]:
    """Return rules for 1.0's permission hook that deny these queries or tables, given as (database, name)."""
    from datasette.permissions import PermissionSQL

    return [
        PermissionSQL(
            sql=f"select :sv{number}_db as parent, :sv{number}_child as child, 0 as allow,"
            " 'reads a table that the actor may not view' as reason",
            params={f"sv{number}_db": database, f"sv{number}_child": name},
        )
        for number, (database, name) in enumerate(denied)
    ]


def jump_sql(database: str, sql: str, parameters: Mapping[str, Any]) -> Any:
    """Return an entry for 1.0's jump menu."""
    from datasette.jump import JumpSQL

    return JumpSQL(database=database, sql=sql, params=dict(parameters))
