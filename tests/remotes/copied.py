"""A log on a PostgreSQL remote row by row, so that nothing but PostgreSQL itself makes a difference."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from llm_session_memory.remotes.postgres import rows, schema
from llm_session_memory.remotes.postgres.kept import TABLES, stored
from llm_session_memory.remotes.postgres.server import Server


def copy_log(path: Path, server: Server) -> None:
    """Put the rows of a log into the tables of a remote, in place of those that are there."""
    connection = sqlite3.connect(path)
    with server.transaction():
        for table, columns in schema.columns(server, [*TABLES]).items():
            server.run(f"delete from SCHEMA.{stored(table)}")
            here = [name for (name,) in connection.execute("select name from pragma_table_info(?)", [table])]
            shared = {name: type_ for name, type_ in columns.items() if name in here}
            names = ", ".join(f'"{name}"' for name in shared)
            made = []
            for place, row in enumerate(connection.execute(f"select {names} from {table}") if shared else ()):
                values, odd = rows.stored(dict(zip(shared, row, strict=True)), shared)
                made.append((place, 0, odd, *values))
            if made:
                arrays = ", ".join(f"%s::{type_}[]" for type_ in ("bigint", "integer", "text", *shared.values()))
                server.run(
                    f"insert into SCHEMA.{stored(table)} (remote_doc, remote_row, remote_odd, {names})"
                    f" select * from unnest({arrays})",
                    [list(column) for column in zip(*made, strict=True)],
                )
    connection.close()
