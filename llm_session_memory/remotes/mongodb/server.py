"""The connection to a MongoDB server: opened when it is first needed, with the options that the URI has."""

from __future__ import annotations

import time
from datetime import timezone
from typing import TYPE_CHECKING, Any

from .cells import Bson
from .sentences import in_sentences

if TYPE_CHECKING:
    from pymongo.collection import Collection
    from pymongo.database import Database

DATABASE = "llm_sessions"
"""The database, if the URI names none."""

_DEFAULTS = {
    "serverSelectionTimeoutMS": 10_000,
    "connectTimeoutMS": 10_000,
    "socketTimeoutMS": 60_000,
    "appname": "llm-session-memory",
    "w": "majority",
}
"""Options that the URI does not have."""


class Server:
    """A database on a server."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._opened: Database[Bson] | None = None
        self._ahead = 0.0

    @property
    def database(self) -> Database[Bson]:
        """The database. Reads go to the primary, whatever the URI says, so that nobody sees an older state."""
        if self._opened is None:
            with in_sentences(self.uri):
                from pymongo import MongoClient, ReadPreference
                from pymongo.errors import InvalidURI
                from pymongo.uri_parser import parse_uri

                try:
                    options = {name.lower() for name in parse_uri(self.uri, warn=False)["options"]}
                except ValueError as error:  # such as a port that isn't a number
                    raise InvalidURI(str(error)) from error
                defaults: dict[str, Any] = {name: one for name, one in _DEFAULTS.items() if name.lower() not in options}
                client: MongoClient[Bson] = MongoClient(self.uri, **defaults)
                database = client.get_default_database(DATABASE, read_preference=ReadPreference.PRIMARY)
                self._opened = database
        return self._opened

    def __getitem__(self, collection: str) -> Collection[Bson]:
        """Return a collection."""
        return self.database[collection]

    def hello(self) -> Bson:
        """Ask the server for its time and what it may do."""
        return self.database.client.admin.command("hello")

    def now(self) -> float:
        """Return the server's time, in seconds since 1970."""
        began = time.time()
        said = self.hello().get("localTime")
        return time_of(said) or began

    def close(self) -> None:
        """Close the connection."""
        if self._opened is not None:
            self._opened.client.close()
            self._opened = None


def time_of(found: Any) -> float | None:
    """Return a time of BSON in seconds since 1970, or None if it isn't one."""
    try:
        moment = found if found.tzinfo else found.replace(tzinfo=timezone.utc)
        return float(moment.timestamp())
    except (AttributeError, ValueError, OverflowError):
        return None
