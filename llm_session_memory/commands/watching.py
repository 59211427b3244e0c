"""Do something again and again until Ctrl-C, and survive a remote that goes away meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from ..errors import NoSuchSession, SessionError
from ..model.remotes import Remote
from .common import echo

EVERY = 30
"""How many seconds are between two looks, unless a person says otherwise."""


def watched(
    name: str,
    connect: Callable[[], Remote],
    look: Callable[[Remote], object],
    every: int,
    wait: Callable[[float], object] = time.sleep,
) -> None:
    """Look at a remote every so many seconds, until Ctrl-C.

    If something fails, such as the network, that is said once, and so is that it works again. Then the remote is
    connected to anew. A session that is not there is an error.

    Args:
        name: What the remote is called.
        connect: Opens the remote. An error of the first time is raised: then something is set up wrongly.
        look: Does the work, and says what came of it.
        every: How many seconds to wait between two looks.
        wait: Waits.
    """
    there: Remote | None = connect()
    said = ""
    try:
        while True:
            try:
                there = there or connect()
                look(there)
            except NoSuchSession:
                raise
            except SessionError as error:
                if there is not None:
                    with suppress(SessionError):
                        there.close()
                there = None
                if said != str(error):
                    said = str(error)
                    echo(f"{_now()} {said} Trying again every {every} s.", err=True)
            else:
                if said:
                    echo(f"{_now()} Continuing with “{name}”.", err=True)
                said = ""
            wait(every)
    except KeyboardInterrupt:
        echo("Stopped.", err=True)
    finally:
        if there is not None:
            with suppress(SessionError):
                there.close()


def _now() -> str:
    return datetime.now().astimezone().strftime("%H:%M:%S")
