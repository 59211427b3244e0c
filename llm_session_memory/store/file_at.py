"""Files that a person, a log or an imported file names by a path.

The methods of Path raise an error for a path that is too long, or in a folder that may not be read; for which of these
depends on the version of Python. An SSH key given in place of a file is such a path.
"""

from __future__ import annotations

import os
from pathlib import Path


def file_at(place: str | Path) -> Path | None:
    """Return the file at a path, or None if there is none, or if nothing can have that path."""
    return Path(place) if os.path.isfile(place) else None  # noqa: PTH113


def is_there(place: str | Path) -> bool:
    """Return whether there is a file or a folder at a path."""
    return os.path.exists(place)  # noqa: PTH110


def at_home(place: str | Path) -> Path:
    """Return a path with its leading ~ or ~user replaced. The path of a user who does not exist stays as it is."""
    return Path(os.path.expanduser(place))  # noqa: PTH111  Path.expanduser() raises an error for such a user
