"""What a signal does to a command that writes files: it ends as with Ctrl-C, and removes what is half written."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Let `kill` and a closed terminal raise SystemExit meanwhile, unless somebody else handles them.

    This is a context manager, and a decorator of a command's function.
    """

    def leave(number: int, frame: object) -> None:
        del frame
        raise SystemExit(128 + number)

    found = [getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP")]
    ours = [one for one in found if one is not None and signal.getsignal(one) == signal.SIG_DFL]
    if threading.current_thread() is not threading.main_thread():
        ours = []
    for one in ours:
        signal.signal(one, leave)
    try:
        yield
    finally:
        for one in ours:
            signal.signal(one, signal.SIG_DFL)
