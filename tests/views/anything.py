"""Hypothesis strategies for anything a log can contain: text that closes tags, hides things or is not valid text."""

from __future__ import annotations

from hypothesis import strategies as st

from datasette_session_views.web.links import Links
from llm_session_memory.reader.values import HeldAttachment, Piece, Said

_CHARACTERS = [*"<>&\"'`*_[]()!#-|\\/:=~. \nab", "\u2028", "\u2029", "\ud800", "\x00", "\x1b", "\u202e", "\ue000"]
_PHRASES = ["</script>", "<!--", "<script>", "]]>", "</noscript>", "</section></div>", "[x](javascript:a)", "\x1b[2J"]

TEXT = st.lists(st.sampled_from([*_CHARACTERS, *_PHRASES]), max_size=12).map("".join)

_KINDS = ["text", "reasoning", "tool_call", "tool_result", "fragment", "excerpt", "fence", "odd"]

PIECE = st.builds(
    Piece,
    st.sampled_from(_KINDS),
    TEXT,
    TEXT,
    st.lists(st.builds(HeldAttachment, TEXT, TEXT, TEXT, TEXT), max_size=1).map(tuple),
)

ROLE = st.sampled_from(["system", "user", "assistant", "tool", "odd", "</b>"])
MESSAGE = st.builds(Said, ROLE, st.lists(PIECE, max_size=4).map(tuple))


class _Datasette:
    """A fake Datasette that only makes URLs."""

    class urls:  # noqa: N801  as Datasette calls it
        """Makes its URLs."""

        @staticmethod
        def database(name: str) -> str:
            """Return the URL of a database."""
            return f"/{name}"


NOWHERE = Links(_Datasette(), "logs")
"""URLs without a server."""
