"""`llm sessions browse`: open the log in Datasette, in the browser."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import click

from ..errors import SessionError
from .common import complete, existing_log, opened, session_command

_PORT = 8001
_PATIENCE = 30
"""How many seconds to wait for Datasette to start."""


@session_command("browse", short_help="Read, search and query sessions in the browser")
@click.argument("name", required=False, shell_complete=complete)
@click.option("--port", type=click.IntRange(1, 65535), default=_PORT, help=f"Port to serve on [{_PORT}]")
@click.option("--no-open", is_flag=True, help="Don't open a browser")
def browse_command(name: str | None, port: int, no_open: bool, database: str | None) -> None:
    """Start Datasette with the log, and open the list of sessions or the page of session NAME. Ctrl-C stops it.

    \b
        llm sessions browse
        llm sessions browse work --port 8002 --no-open
    """
    if importlib.util.find_spec("datasette") is None:
        raise SessionError("Datasette is not installed in llm's environment.", "Install it with: llm install datasette")
    path = existing_log(database)
    if name is not None:
        with opened(database) as memory:
            name = memory.sessions.get(name).name
    root = f"http://127.0.0.1:{port}"
    address = f"{root}/{encoded(path.stem)}/-/{'sessions' if name is None else f'session/{encoded(name)}'}"
    _serve(path, port, root, address, launch=not no_open)


def encoded(text: str) -> str:
    """Encode a part of a path as Datasette does: `~` and two hex digits for all but letters, digits, `_` and `-`.

    Datasette's own `tilde_encode` can't be used here: Datasette runs as its own program and is never imported by llm.
    """
    safe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
    bytes_ = ((chr(byte), byte) for byte in text.encode())
    return "".join(c if c in safe else "+" if c == " " else f"~{byte:02X}" for c, byte in bytes_)


def _serve(path: Path, port: int, root: str, address: str, *, launch: bool) -> None:
    command = [sys.executable, "-m", "datasette", str(path), "--port", str(port)]
    with subprocess.Popen(command) as server:  # noqa: S603  this Python, with a path and a port
        threading.Thread(target=_open, args=(server, root, address, launch), daemon=True).start()
        try:
            code = server.wait()
        except KeyboardInterrupt:
            server.terminate()
            return
    if code:
        hint = f"If another server is running at {root}, choose another --port."
        raise SessionError(f"Datasette exited with code {code}.", hint)


def _open(server: subprocess.Popen[bytes], root: str, address: str, launch: bool) -> None:
    """Wait until the server answers, then print the page's address and open it."""
    until = time.monotonic() + _PATIENCE
    while server.poll() is None and time.monotonic() < until and not _answers(root):
        time.sleep(0.1)
    if server.poll() is None:
        click.echo(f"Sessions: {address}", err=True)
        if launch:
            click.launch(address)


def _answers(root: str) -> bool:
    try:
        urllib.request.urlopen(f"{root}/-/versions.json", timeout=2).close()  # noqa: S310  our own server
    except urllib.error.HTTPError:  # an error status is an answer too
        return True
    except OSError:
        return False
    return True
