"""Open a remote: find its address and password, connect, and keep secrets out of every message."""

from __future__ import annotations

from ..rules.addresses import kind_of

__all__ = ["kind_of"]
