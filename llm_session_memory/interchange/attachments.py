"""What a file says of attachments, checked against this machine."""

from __future__ import annotations

import json
from dataclasses import replace

from ..model import Attachment
from ..store import held
from .wire import MISSING


def without_lies(attachment: Attachment) -> Attachment:
    """Return an attachment with the id that its bytes have, and with a path only where the bytes are there."""
    if attachment.content:
        return replace(attachment, id=held.hash_of(attachment.content))
    if attachment.path is None:
        return replace(attachment, id=held.hash_of(json.dumps({"url": attachment.url}).encode()))
    if attachment.id and held.with_file(attachment).content:
        return attachment
    return replace(attachment, path=f"{MISSING}{attachment.path}")
