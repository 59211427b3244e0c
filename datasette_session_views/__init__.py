"""The Datasette plugin: pages to read, search and query the conversations in an llm log.

This module has only hook implementations, and they import what they need when they run. It does not import Datasette,
so that the readers and queries can be used without it.
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
    """Register the SQL functions that our statements and queries call."""
    from llm_session_memory.reader.functions import register

    if database != "_internal":
        register(conn)


@hookimpl
def prepare_jinja2_environment(env: Any) -> None:
    """Add the filters of our templates: short numbers, times, and untrusted names made safe to show."""
    from .show.words import FILTERS

    env.filters.update(FILTERS)


@hookimpl
def canned_queries(datasette: Any, database: str) -> Callable[[], Awaitable[dict[str, Any]]]:
    """Offer the canned queries on Datasette 0.65."""

    async def queries() -> dict[str, Any]:
        from .web.offering import on_hook

        return await on_hook(datasette, database)

    return queries


@hookimpl
def asgi_wrapper(datasette: Any) -> Callable[[Any], Any]:
    """Ask for each permission once while a request is answered."""
    from .web.asked_once import remembering

    return lambda app: remembering(datasette, app)


@hookimpl
def startup(datasette: Any) -> Callable[[], Awaitable[None]]:
    """Offer the canned queries on Datasette 1.0."""

    async def offered() -> None:
        from .web.offering import offer

        await offer(datasette)

    return offered


@hookimpl
def permission_allowed(datasette: Any, actor: Any, action: str, resource: Any) -> Any:
    """On 0.65, deny canned queries that read hidden tables, and decide who may rate exchanges."""
    if action == "rate-exchange" and isinstance(resource, str):
        from .compat import rating_allowed

        return rating_allowed(datasette, actor, resource)
    if action not in ("view-query", "view-table") or not resource:
        return None

    async def opinion() -> bool | None:
        if action == "view-table":
            from .web.own_views import may_view as may
        else:
            from .web.offering import may_see as may

        return None if await may(datasette, actor, *resource) else False

    return opinion


@hookimpl
def permission_resources_sql(datasette: Any, actor: Any, action: str) -> Any:
    """On 1.0, deny canned queries and our own SQL views that read hidden tables."""
    if action not in ("view-query", "view-table"):
        return None

    async def rules() -> list[Any] | None:
        if action == "view-table":
            from .web.own_views import denials
        else:
            from .web.offering import denials

        return await denials(datasette, actor) or None

    return rules


@hookimpl
def extra_css_urls(view_name: str | None) -> list[str]:
    """Add our style to our own pages only."""
    from .web.assets import style_url

    return [url] if (url := style_url(view_name)) else []


@hookimpl
def extra_js_urls(view_name: str | None) -> list[dict[str, Any]]:
    """Add our scripts to our own pages only."""
    from .web.assets import script_urls

    return [{"url": url, "module": True} for url in script_urls(view_name)]


@hookimpl
def handle_exception(datasette: Any, request: Any, exception: Exception) -> Callable[[], Awaitable[Any]] | None:
    """Show what went wrong on our pages with crumbs and the nearest names."""
    from .web.mistakes import failed, wants_page

    async def page() -> Any:
        return await failed(datasette, request, exception)

    return page if wants_page(request) else None


@hookimpl
def forbidden(datasette: Any, request: Any, message: str) -> Callable[[], Awaitable[Any]] | None:
    """Show visitors of our pages what they have no permission for, unless another plugin does."""
    from .web.mistakes import forbidden as refused
    from .web.mistakes import wants_page

    async def page() -> Any:
        return await refused(datasette, request, message)

    return page if wants_page(request) else None


@hookimpl
def menu_links(datasette: Any, actor: Any) -> Callable[[], Awaitable[list[dict[str, str]]]]:
    """Add “Sessions” to the menu if the actor may see any."""

    async def links() -> list[dict[str, str]]:
        from .web.stock import menu

        return await menu(datasette, actor)

    return links


@hookimpl
def database_actions(datasette: Any, actor: Any, database: str) -> Callable[[], Awaitable[list[dict[str, str]]]]:
    """Add “Sessions” to the actions of a database that contains a log."""

    async def links() -> list[dict[str, str]]:
        from .web.stock import of_database

        return await of_database(datasette, actor, database)

    return links


@hookimpl
def render_cell(row: Any, value: Any, column: str | None, table: str | None, database: str, datasette: Any) -> Any:  # noqa: PLR0913  Datasette's own arguments
    """Link threads and turns to their transcripts."""
    from .web.stock import CellPlace, cell

    return cell(datasette, CellPlace(database, table, column), row, value)


@hookimpl
def jump_items_sql(datasette: Any, actor: Any) -> Callable[[], Awaitable[list[Any]]]:
    """Make sessions searchable by name in 1.0's jump menu."""

    async def items() -> list[Any]:
        from .web.stock import jump

        return await jump(datasette, actor)

    return items


@hookimpl
def top_database(datasette: Any, request: Any, database: str) -> Callable[[], Awaitable[str | None]]:
    """Link to the sessions from the top of 1.0's database page."""

    async def line() -> str | None:
        from .web.stock import on_top

        return await on_top(datasette, request.actor, database)

    return line
