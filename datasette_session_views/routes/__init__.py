"""One short handler a page: permission, read, show, template. `ROUTES` says which answers what."""

from __future__ import annotations

from .attachments import attachment
from .listing import everywhere, listing
from .search import search
from .transcript import session, turn

_DATABASE = r"^/(?P<database>[^/\.]+)"

ROUTES = [
    (r"^/-/sessions(\.(?P<format>json))?$", everywhere),
    (_DATABASE + r"/-/sessions(\.(?P<format>json))?$", listing),
    (_DATABASE + r"/-/sessions/search(\.(?P<format>json))?$", search),
    (_DATABASE + r"/-/sessions/attachment/(?P<attachment>[^/\.]+)$", attachment),
    (_DATABASE + r"/-/sessions/turn/(?P<turn>[^/\.]+)$", turn),
    (_DATABASE + r"/-/session/(?P<session>[^/\.]+)(\.(?P<format>json|md|jsonl|html))?$", session),
]
