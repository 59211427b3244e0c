"""URLs of our pages and of Datasette's, including its base_url."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from llm_session_memory.reader.entries import PAGE

from ..compat import tilde_encode


class Links:
    """The URLs within one database."""

    def __init__(self, datasette: Any, database: str) -> None:
        self._datasette = datasette
        self.database = str(datasette.urls.database(database))
        self._name = database

    def listing(self, form: str = "", /, **asked: Any) -> str:
        """Return the URL of the list."""
        return _asked(f"{self.database}/-/sessions{_form(form)}", asked)

    def session(self, reference: str, form: str = "", /, **asked: Any) -> str:
        """Return the URL of a session by its name, or of a conversation by its id."""
        return _asked(f"{self.database}/-/session/{tilde_encode(reference)}{_form(form)}", asked)

    def exchange(self, reference: str, wanted: str | int, /, **asked: Any) -> str:
        """Return the lasting URL of an exchange, given by its id. It redirects to where the exchange stands now.

        A number leads there too, but another exchange may get that number later. `q` are words to mark in it.
        """
        return _asked(f"{self.session(reference)}/exchange/{tilde_encode(str(wanted))}", asked)

    def page(self, reference: str, number: int, /, **asked: Any) -> str:
        """Return the URL of the page of a transcript that has the exchange with this number."""
        return self.session(reference, **{"from": page_of(max(number, 1)), **asked})

    def card(self, reference: str, number: int, exchange_id: str, /, **asked: Any) -> str:
        """Return the URL of an exchange's place on its page, as it is now."""
        return f"{self.page(reference, number, **asked)}#{quote(card_id(exchange_id))}"

    def context(self, reference: str, wanted: str | int, form: str = "", /, **asked: Any) -> str:
        """Return the lasting URL of the page that shows what the model saw at an exchange, given by its id.

        A number leads there too, but another exchange may get that number later.
        """
        return _asked(f"{self.session(reference)}/context/{tilde_encode(str(wanted))}{_form(form)}", asked)

    def replay(self, reference: str, form: str = "", /, **asked: Any) -> str:
        """Return the URL of a session's replay."""
        return _asked(f"{self.session(reference)}/replay{_form(form)}", asked)

    def rating(self, reference: str) -> str:
        """Return the URL that a session's ratings are posted to."""
        return f"{self.session(reference)}/rate"

    def turn(self, turn_id: str) -> str:
        """Return the URL that redirects to the exchange of a turn."""
        return f"{self.database}/-/sessions/turn/{tilde_encode(turn_id)}"

    def analytics(self, form: str = "", /, **asked: Any) -> str:
        """Return the URL of the dashboard."""
        return _asked(f"{self.database}/-/sessions/analytics{_form(form)}", asked)

    def queries(self, form: str = "", /) -> str:
        """Return the URL of the page of all canned queries."""
        return f"{self.database}/-/sessions/queries{_form(form)}"

    def query(self, name: str) -> str:
        """Return the URL of a canned query."""
        return f"{self.database}/{tilde_encode(name)}"

    def search(self, form: str = "", /, **asked: Any) -> str:
        """Return the URL of the search."""
        return _asked(f"{self.database}/-/sessions/search{_form(form)}", asked)

    def jobs(self, form: str = "", /, **asked: Any) -> str:
        """Return the URL of the list of jobs."""
        return _asked(f"{self.database}/-/sessions/jobs{_form(form)}", asked)

    def job(self, reference: str, form: str = "", /, **asked: Any) -> str:
        """Return the URL of a job by its id or its name. `after` is the position that a page of its items follows."""
        return _asked(f"{self.database}/-/sessions/job/{tilde_encode(reference)}{_form(form)}", asked)

    def compare(self, form: str = "", /, **asked: Any) -> str:
        """Return the URL of sessions side by side: `a`, `b` and so on, or the members of a `group`."""
        return _asked(f"{self.database}/-/sessions/compare{_form(form)}", asked)

    def attachment(self, attachment_id: str) -> str:
        """Return the URL of an attachment's content."""
        return f"{self.database}/-/sessions/attachment/{tilde_encode(attachment_id)}"

    def row(self, table: str, key: str) -> str:
        """Return the URL of Datasette's own page for a row."""
        return str(self._datasette.urls.row(self._name, table, tilde_encode(key)))


def card_id(exchange_id: str) -> str:
    """Return the DOM id of an exchange or a failed prompt on a page."""
    return f"e-{exchange_id}"


def page_of(number: int) -> int:
    """Return the first exchange of the page that has this exchange."""
    return (number - 1) // PAGE * PAGE + 1


def everything(datasette: Any, form: str = "") -> str:
    """Return the URL of the sessions of all databases."""
    return str(datasette.urls.path(f"/-/sessions{_form(form)}"))


def _form(form: str) -> str:
    return f".{form}" if form else ""


def _asked(path: str, asked: dict[str, Any]) -> str:
    given = {key: value for key, value in asked.items() if value not in (None, "", False)}
    return f"{path}?{urlencode(given)}" if given else path
