"""One short handler per page: check permission, read, show, render. `ROUTES` maps URLs to handlers."""

from __future__ import annotations

from .analytics import analytics
from .assets import script, styles
from .attachments import attachment
from .compare import compare
from .context import context
from .exchange import exchange, turn
from .feeds import as_atom, as_csv, as_rss
from .jobs import job, jobs
from .listing import everywhere, listing
from .nowhere import nowhere
from .queries import queries
from .rating import rate
from .replay import replay
from .search import search
from .transcript import session

_DATABASE = r"^/(?P<database>[^/\.]+)"

ROUTES = [
    (r"^/-/sessions(\.(?P<format>json))?$", everywhere),
    (r"^/-/sessions/style/(?P<view>[a-z_]+)\.css$", styles),
    (r"^/-/sessions/script/(?P<hash>[0-9a-f]+)/(?P<name>[a-z]+/[a-z]+\.js)$", script),
    (_DATABASE + r"/-/sessions(\.(?P<format>json))?$", listing),
    (_DATABASE + r"/-/sessions\.csv$", as_csv),
    (_DATABASE + r"/-/sessions\.atom$", as_atom),
    (_DATABASE + r"/-/sessions\.rss$", as_rss),
    (_DATABASE + r"/-/sessions/search(\.(?P<format>json))?$", search),
    (_DATABASE + r"/-/sessions/analytics(\.(?P<format>json))?$", analytics),
    (_DATABASE + r"/-/sessions/jobs(\.(?P<format>json))?$", jobs),
    (_DATABASE + r"/-/sessions/job/(?P<job>[^/\.]+)(\.(?P<format>json))?$", job),
    (_DATABASE + r"/-/sessions/compare(\.(?P<format>json))?$", compare),
    (_DATABASE + r"/-/sessions/queries(\.(?P<format>json))?$", queries),
    (_DATABASE + r"/-/sessions/attachment/(?P<attachment>[^/\.]+)$", attachment),
    (_DATABASE + r"/-/sessions/turn/(?P<turn>[^/\.]+)$", turn),
    (_DATABASE + r"/-/session/(?P<session>[^/\.]+)(\.(?P<format>json|md|jsonl|html|csv))?$", session),
    (_DATABASE + r"/-/session/(?P<session>[^/\.]+)/exchange/(?P<exchange>[^/\.]+)$", exchange),
    (_DATABASE + r"/-/session/(?P<session>[^/\.]+)/context/(?P<exchange>[^/\.]+)(\.(?P<format>json))?$", context),
    (_DATABASE + r"/-/session/(?P<session>[^/\.]+)/replay(\.(?P<format>json))?$", replay),
    (_DATABASE + r"/-/session/(?P<session>[^/\.]+)/rate(\.(?P<format>json))?$", rate),
]
_MISSING = nowhere([*ROUTES])
ROUTES += [
    (r"^/-/sessions(?:/.*?)?(\.(?P<format>[A-Za-z0-9]+))?$", _MISSING),
    (_DATABASE + r"/-/sessions?(?:/.*?)?(\.(?P<format>[A-Za-z0-9]+))?$", _MISSING),
]
