"""A server that speaks MongoDB's wire protocol, in a process of its own: nx-27017, which keeps its data in SQLite.

It is no MongoDB, but pymongo talks to it as to one. Data are in memory, and each database is apart.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_PROGRAM = """
import logging, sys
from nx_27017.handler import NeoSQLiteHandler
from nx_27017.server import run_server_threaded
logging.disable(logging.CRITICAL)
run_server_threaded("127.0.0.1", int(sys.argv[1]), NeoSQLiteHandler(data_dir="memory"), True)
"""

_PATIENCE = 30.0


@contextmanager
def mongodb_server() -> Iterator[str]:
    """Start a server, give the beginning of its databases' addresses, and end it."""
    port = _free_port()
    process = subprocess.Popen([sys.executable, "-c", _PROGRAM, str(port)])
    try:
        _wait_for(port)
        yield f"mongodb://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    end = time.monotonic() + _PATIENCE
    while not _listens(port):
        assert time.monotonic() < end, "nx-27017 did not start"
        time.sleep(0.02)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
