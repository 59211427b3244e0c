"""The Datasette plugin: pages on which people read, search and query the conversations in a log of llm.

Hookimpls only; what they need is imported when it is used. It does not import Datasette, so that the readers and the
queries can be used where there is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pluggy import HookimplMarker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

hookimpl = HookimplMarker("datasette")
"""Datasette's own `datasette.hookimpl`."""


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    """Serve our pages."""
    from .routes import ROUTES

    return ROUTES


@hookimpl
def prepare_connection(conn: Any, database: str) -> None:
    """Give connections the functions that our statements and queries call."""
    from llm_session_memory.reader.functions import register

    if database != "_internal":
        register(conn)


@hookimpl
def prepare_jinja2_environment(env: Any) -> None:
    """Give templates the filter for names that somebody else wrote."""
    from llm_session_memory.rules.safe_text import visible

    env.filters["sv_visible"] = visible


@hookimpl
def canned_queries(datasette: Any, database: str) -> Callable[[], Awaitable[dict[str, Any]]]:
    """Offer the canned queries on 0.65."""

    async def queries() -> dict[str, Any]:
        from .web.offering import on_hook

        return await on_hook(datasette, database)

    return queries


@hookimpl
def startup(datasette: Any) -> Callable[[], Awaitable[None]]:
    """Offer the canned queries on 1.0."""

    async def offered() -> None:
        from .web.offering import offer

        await offer(datasette)

    return offered


@hookimpl
def permission_allowed(datasette: Any, actor: Any, action: str, resource: Any) -> Any:
    """On 0.65, hide a canned query from who may not see what it reads, and say who may rate exchanges."""
    if action == "rate-exchange" and isinstance(resource, str):
        from .compat import rating_allowed

        return rating_allowed(datasette, actor, resource)
    if action != "view-query" or not resource:
        return None

    async def opinion() -> bool | None:
        from .web.offering import may_see

        return None if await may_see(datasette, actor, *resource) else False

    return opinion


@hookimpl
def permission_resources_sql(datasette: Any, actor: Any, action: str) -> Any:
    """Hide canned queries from who may not see what they read, on 1.0."""
    if action != "view-query":
        return None

    async def rules() -> list[Any] | None:
        from .web.offering import denials

        return await denials(datasette, actor) or None

    return rules


@hookimpl
def extra_css_urls(view_name: str | None, datasette: Any) -> list[str]:
    """Style our own pages, and none of Datasette's."""
    from .compat import static_url

    if not (view_name or "").startswith("sv_"):
        return []
    more = ["replay.css"] if view_name in ("sv_context", "sv_replay") else []
    return [static_url(datasette, name) for name in ("sessions.css", *more)]


@hookimpl
def extra_js_urls(view_name: str | None, datasette: Any) -> list[dict[str, Any]]:
    """Bring the copy buttons to our own pages, and the player to the replay."""
    from .compat import static_url

    if not (view_name or "").startswith("sv_"):
        return []
    more = ["replay/main.js"] if view_name == "sv_replay" else []
    return [{"url": static_url(datasette, name), "module": True} for name in ("sessions.js", *more)]


@hookimpl
def menu_links(datasette: Any, actor: Any) -> Callable[[], Awaitable[list[dict[str, str]]]]:
    """Offer “Sessions” in the menu to whoever may see any."""

    async def links() -> list[dict[str, str]]:
        from .web.stock import menu

        return await menu(datasette, actor)

    return links


@hookimpl
def database_actions(datasette: Any, actor: Any, database: str) -> Callable[[], Awaitable[list[dict[str, str]]]]:
    """Offer “Sessions” on the page of a database that holds a log."""

    async def links() -> list[dict[str, str]]:
        from .web.stock import of_database

        return await of_database(datasette, actor, database)

    return links


@hookimpl
def render_cell(row: Any, value: Any, column: str | None, table: str | None, database: str, datasette: Any) -> Any:  # noqa: PLR0913  Datasette's own arguments
    """Link threads and turns to their transcript."""
    from .web.stock import Place, cell

    return cell(datasette, Place(database, table, column), row, value)


@hookimpl
def jump_items_sql(datasette: Any, actor: Any) -> Callable[[], Awaitable[list[Any]]]:
    """Let 1.0's jump menu find sessions by name."""

    async def items() -> list[Any]:
        from .web.stock import jump

        return await jump(datasette, actor)

    return items


@hookimpl
def top_database(datasette: Any, request: Any, database: str) -> Callable[[], Awaitable[str | None]]:
    """Lead from 1.0's page of a database to its sessions."""

    async def line() -> str | None:
        from .web.stock import on_top

        return await on_top(datasette, request.actor, database)

    return line
