"""Datasettes that listen on a port, for a browser to open: in a thread of the tests, or started as a user would."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from datasette.app import Datasette

from datasette_session_views.compat import IS_1


@contextmanager
def listening(*paths: Path, **more: Any) -> Iterator[str]:
    """Serve logs with a Datasette in this process, which takes a second less to start, and yield its URL."""
    with socket.create_server(("127.0.0.1", 0)) as port:
        app = Datasette([str(path) for path in paths], **more)
        server = uvicorn.Server(uvicorn.Config(app.app(), log_config=None, access_log=False, lifespan="on"))

        async def serve() -> None:
            await app.invoke_startup()
            await server.serve(sockets=[port])

        thread = threading.Thread(target=asyncio.run, args=(serve(),))
        thread.start()
        try:
            yield f"http://127.0.0.1:{port.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def rated_by_all(*paths: Path) -> Iterator[str]:
    """Serve logs with Datasette, and yield its URL; in the one named `logs`, everybody may rate."""
    from tests.views.test_rating_form import granting

    with listening(*paths, **{"config" if IS_1 else "metadata": granting(True)}) as root:
        yield root


@contextmanager
def started(path: Path, *options: str) -> Iterator[str]:
    """Serve a log with Datasette, started as a user would, and yield its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "datasette", str(path), "--port", str(port), *options]
    command += ["--setting", "sql_time_limit_ms", "60000"]  # its queries must end on a busy machine, too
    root = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait(f"{root}/-/versions.json")
            yield root
        finally:
            server.terminate()


def _wait(address: str) -> None:
    for _ in range(300):
        with suppress(OSError), urllib.request.urlopen(address):
            return
        time.sleep(0.1)
    pytest.fail(f"Datasette does not answer at {address}")
