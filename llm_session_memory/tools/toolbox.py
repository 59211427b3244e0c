"""The toolbox `SessionMemory`: lets a model look things up in the log and keep notes.

llm asks for all toolboxes on every prompt, so this module has only the signatures. The work is done in `lookups`,
which is imported when a tool is called. Models read the docstrings with every request, so they are short. There is no
`from __future__ import annotations`, because `llm tools list` shows the annotations as they are.
"""

import llm


class SessionMemory(llm.Toolbox):
    """Search and read the user's earlier conversations, and keep notes."""

    def search(self, query: str, session: str | None = None) -> str:
        """Find what was said earlier. query: a few words. session: a name, or "*" for all; default: the one in use."""
        from .lookups import search

        return search(query, session)

    def read(self, session: str, first: int, last: int) -> str:
        """Read exchanges of a session, from number first to last. Long ones are shortened: read few at a time."""
        from .lookups import read

        return read(session, first, last)

    def remember(self, note: str) -> str:
        """Keep a short note (a fact, a decision, a wish) that goes with every later prompt of this session."""
        from .lookups import remember

        return remember(note)

    def sessions(self) -> str:
        """List the user's sessions, last used first."""
        from .lookups import sessions

        return sessions()
