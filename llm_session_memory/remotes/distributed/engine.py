"""DBOS, as workers use it: it gives each item to one worker, and passes on the items of dead workers.

DBOS gets only ids. Its tables are in a schema of their own, `SCHEMA_dbos`, in the same database. It sends nothing
anywhere else: no telemetry, no Conductor.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ...errors import RemoteFailed

WORKFLOW = "llm_sessions_item"
APPLICATION = "llm-sessions"
VERSION = "1"
"""Workers run only items that were given out for this version. It changes if a workflow's arguments or meaning do."""

POLL = 0.2
"""How many seconds a worker waits before it looks for items again."""

_POOL = 4
_UNUSED = "postgresql://llm:llm@localhost/llm"
"""DBOS wants an address even though it gets an engine: the scheme tells it that the database is PostgreSQL."""


def check_installed() -> None:
    """Raise RemoteFailed if DBOS is not installed."""
    if importlib.util.find_spec("dbos") is None or importlib.util.find_spec("psycopg") is None:
        message = "Work on several machines needs DBOS, which is not installed."
        raise RemoteFailed(message, "Install it with: llm install 'llm-session-memory[distributed]'")


def schema_of(schema: str) -> str:
    """Return the name of the schema with DBOS's tables, beside the one with ours."""
    return f"{schema}_dbos"


def _engine(connect: Callable[[], Any]) -> Any:
    """Return an SQLAlchemy engine that makes its connections as we do."""
    import sqlalchemy

    return sqlalchemy.create_engine(
        "postgresql+psycopg://", creator=connect, pool_size=_POOL, max_overflow=2 * _POOL, pool_pre_ping=True
    )


class Engine:
    """A running DBOS. There is one in a process.

    `run` is called in a thread of DBOS for each item that this process gets, with its job, position and ticket. `room`
    returns how many items of a queue this process may ask at this moment; it gets the queue's name, how many of it are
    being asked, and how many in all.
    """

    def __init__(
        self,
        connect: Callable[[], Any],
        schema: str,
        executor: str,
        run: Callable[[str, int, int], str],
        room: Callable[[str, int, int], int],
    ) -> None:
        import dbos
        from dbos import _serialization, _utils

        _quiet()
        _utils.GlobalParams.dbos_cloud = False  # whatever the environment says: it would connect to Conductor
        # Anyone who can write to the database could otherwise run code here: pickle runs what it reads.
        _serialization.DefaultSerializer.deserialize = _refused  # type: ignore[assignment,method-assign]
        self._dbos = dbos.DBOS
        self._pool = _engine(connect)
        self._made = dbos.DBOS(
            config={
                "name": APPLICATION,
                "application_version": VERSION,
                "executor_id": executor,
                "system_database_url": _UNUSED,
                "system_database_engine": self._pool,
                "dbos_system_schema": schema_of(schema),
                "use_listen_notify": False,
                "enable_otlp": False,
                "log_level": "CRITICAL",
                "serializer": _serialization.DBOSPortableJSON,
            }
        )
        if WORKFLOW not in self._made._registry.workflow_info_map:  # noqa: SLF001

            @dbos.DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)
            def item(job_id: str, position: int, ticket: int) -> str:
                return str(dbos.DBOS.run_step({"name": "ask"}, run, job_id, position, ticket))

        dbos.DBOS.listen_queues([])
        self._room = room
        self.launched = False

    def launch(self) -> None:
        """Make DBOS's tables if there are none, and begin to look for items."""
        self._dbos.launch()
        self.launched = True
        tables = self._made._sys_db  # noqa: SLF001
        found = tables.get_queue

        def get_queue(name: str, *args: Any, **more: Any) -> Any:
            """Return a queue with the number of items that this process may ask now: DBOS has one for all workers."""
            queue = found(name, *args, **more)
            if queue is not None:
                active = self._made._active_workflows_set  # noqa: SLF001
                room = self._room(name, active.count_for_queue(name), len(active.activeList()))
                queue._worker_concurrency = room  # noqa: SLF001
                queue._polling_interval_sec = POLL  # noqa: SLF001
                queue._concurrency = queue._limiter = None  # noqa: SLF001
            return queue

        tables.get_queue = get_queue  # type: ignore[method-assign]

    def listen(self, names: list[str]) -> None:
        """Take items from these queues."""
        self._made._listening_queues = [*names]  # noqa: SLF001  DBOS reads it every second

    def recover(self, executor: str) -> None:
        """Give the items of a dead worker to other workers."""
        self._dbos._recover_pending_workflows([executor])  # noqa: SLF001

    def close(self) -> None:
        """End DBOS. Items that are being asked must have ended before."""
        self._dbos.destroy()
        self._pool.dispose()


def make_tables(connect: Callable[[], Any], schema: str) -> None:
    """Make DBOS's tables, or bring them up to date. Runs nothing."""
    with _client(connect, schema) as client:
        client._sys_db.run_migrations()  # noqa: SLF001  the public way wants an address with its password


def add_queues(connect: Callable[[], Any], schema: str, names: list[str]) -> None:
    """Make queues that are not there yet."""
    with _client(connect, schema) as client:
        for name in names:
            client.register_queue(name, polling_interval_sec=POLL, on_conflict="never_update")


@contextmanager
def _client(connect: Callable[[], Any], schema: str) -> Iterator[Any]:
    """Open DBOS without running anything."""
    import dbos
    from dbos import _serialization

    _quiet()
    pool = _engine(connect)
    client = dbos.DBOSClient(
        system_database_engine=pool,
        dbos_system_schema=schema_of(schema),
        serializer=_serialization.DBOSPortableJSON,
        application_name=APPLICATION,
        lazy=True,
        retry_connection_errors=False,
    )
    try:
        yield client
    finally:
        client.destroy()
        pool.dispose()


def _refused(self: Any, serialized_data: str) -> Any:
    """Refuse to read what pickle wrote."""
    del self, serialized_data
    raise TypeError("Pickled data is not read.")


def _quiet() -> None:
    """Keep DBOS from writing to the terminal: the plugin reports what matters."""
    logger = logging.getLogger("dbos")
    logger.handlers[:] = [logging.NullHandler()]
    logger.propagate = False
    logger.setLevel(logging.CRITICAL)
