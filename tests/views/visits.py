"""Every kind of page, and the logs behind them, for rules that hold on all pages."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import llm

from benchmarks.generate import Talk
from llm_session_memory.insight.catalogue import catalogue
from tests.views.compared_world import write_compared
from tests.views.jobs_world import write_jobs
from tests.views.listening import rated_by_all
from tests.world.everything import PNG, Session, World, with_rating, with_sessions, write_family
from tests.world.logs import Call, LogBuilder, Said

MISSING = "a session that does not exist"

PAGES = {
    "the logs": "/-/sessions",
    "list": "/logs/-/sessions",
    "list without a match": "/logs/-/sessions?q=nothing",
    "list with a project": "/family/-/sessions?project=lisbon",
    "list of an empty log": "/empty/-/sessions",
    "transcript": "/logs/-/session/work",
    "transcript with a cut": "/played/-/session/work",
    "transcript of a fork": "/family/-/session/work-b",
    "transcript with what was undone": "/family/-/session/work?undone=1",
    "transcript of all that models write": "/said/-/session/said",
    "transcript with marks": "/logs/-/session/work?q=tide+table",
    "search": "/logs/-/sessions/search",
    "search with hits": "/logs/-/sessions/search?q=tide",
    "search without a hit": "/logs/-/sessions/search?q=zanzibar",
    "context": "/played/-/session/work/context/5",
    "context exactly as sent": "/played/-/session/work/context/5?exact=1",
    "replay": "/played/-/session/work/replay?autoplay=0",
    "analytics": "/played/-/sessions/analytics",
    "analytics of an empty log": "/empty/-/sessions/analytics",
    "jobs": "/jobs/-/sessions/jobs",
    "jobs of an empty log": "/empty/-/sessions/jobs",
    "job": "/jobs/-/sessions/job/tides",
    "choice of what to compare": "/compared/-/sessions/compare",
    "two sessions side by side": "/compared/-/sessions/compare?a=work&b=work-b",
    "a group side by side": "/compared/-/sessions/compare?group=bridges+%3Cb%3E",
    "transcript of a session that a job asked": "/jobs/-/session/essay-1",
    "run of a workflow": "/jobs/-/sessions/job/essay-1",
    "queries": "/logs/-/sessions/queries",
    MISSING: "/logs/-/session/nobody",
}
"""One address of each kind of page, by what it shows."""

_EVERY_TENTH = frozenset(sorted(catalogue())[::10])


def is_followed(address: str) -> bool:
    """Return whether a rule about links opens an address: each, but of the canned queries every tenth.

    Their pages are Datasette's own and alike, and test_old_llms asks for all of them.
    """
    name = urlsplit(address).path.rpartition("/")[2].partition(".")[0]
    return name not in catalogue() or name in _EVERY_TENTH


SAID = """### What it needs

Read https://tides.example/table, then *this* and ***that***, `a b`, ~~not that~~ and a note[^1].

- [x] surveyed
- [ ] painted
  1. twice

> Quoted, and **bold**.

| day | water | |
|:--|--:|:-:|
| 14 | 0.42 | low |

```python
class Pier(Base):  # a comment
    depth: int = 14
    name = "north"
```

```
no language, and a line that is far too long to fit on any screen that a person would hold in one hand while walking
```

The sum is \\( a = 7 \\), and \\[ \\frac{a}{b} \\]

###### Deep

[^1]: A footnote.
"""

ARABIC = """مرحبا بالعالم

1. استخدم `git commit -m "x"`
2. ثم ادفع

An English paragraph.
"""


def write_said(path: Path) -> None:
    """Write a log with all that models and people write: Markdown, JSON, right to left, very long, and nothing."""
    picture = llm.Attachment(type="image/png", content=PNG)
    (path.parent / "plan.png").write_bytes(PNG)
    plan = llm.Attachment(type="image/png", path=str(path.parent / "plan.png"))
    notes = llm.Fragment("The harbour office signs off.\n", "notes.txt")
    with LogBuilder(path) as log:
        thread = log.thread()
        turns = log.turns(
            thread,
            Said("What does the pier need?", SAID, system="Be brief.", tokens=(310, 220)),
            Said("كيف حالك؟", ARABIC, tokens=(20, 80)),
            Said("As JSON, please.", json.dumps({"bio": "A *good* dog_with_under_scores", "n": [1, 2]}, indent=2)),
            Said("And this?", "Seen.", fragments=(notes,), attachments=(picture, plan)),
            Said("And the tide?", "Low.", calls=(Call("tide_table", {"place": "Lisbon <b>"}, "7 rows"),)),
            Said("", ""),
            Said("A long one. " * 400, "## Long\n\n" + "A long reply. " * 2000),
            model="claude-sonnet-4.5",
        )
    with_sessions(path, Session(thread, "said", turns, tags=("Bridge",), notes=("The deadline is 4 May.",)))
    with_rating(path, thread, turns[0], "4", "As I say", "The <b>start</b>")


def write_long(path: Path, exchanges: int = 50) -> None:
    """Write a log with the session `long`, whose replies are as long and as structured as those of today's models."""
    talk = Talk(3).exchanges(exchanges * 3)
    with LogBuilder(path) as log:
        thread = log.thread()
        said = [Said(next(talk)[0], _long_reply(next(talk)[1][:100], next(talk)[1])) for _ in range(exchanges)]
        turns = log.turns(thread, *said, model="gpt-4o-mini", block=10)
    with_sessions(path, Session(thread, "long", turns))


def _long_reply(one: str, two: str) -> str:
    """Return a reply with headings, a list, code and a table, which say the same again, as replies do."""
    sentences = [sentence for sentence in two.split(". ") if len(sentence) > 30]
    points = "\n".join(f"- **{sentence[:18]}**{sentence[18:]}" for sentence in sentences)
    code = "\n".join(
        f"def {line.split()[0].lower()}(depth: int) -> int:\n    return depth + {len(line)}" for line in sentences
    )
    rows = "\n".join(f"| {line[:20]} | {line[20:60]} | {len(line)} |" for line in sentences)
    table = f"| what | where | n |\n|---|---|--:|\n{rows}\n"
    return f"{one}\n\n## {two[:40]}\n\n{points}\n\n```python\n{code}\n```\n\n{table}\n{two}\n"


def write_visits(world: World, folder: Path) -> list[Path]:
    """Write the logs behind `PAGES` into a folder, and return their paths: the first four have links of every kind."""
    from tests.views.test_replay import write_replay

    paths = {name: folder / f"{name}.db" for name in ("played", "family", "jobs", "compared", "logs", "said", "empty")}
    shutil.copy(world.path, paths["logs"])
    write_replay(paths["played"])
    write_family(paths["family"])
    write_jobs(paths["jobs"])
    write_compared(paths["compared"])
    write_said(paths["said"])
    with LogBuilder(paths["empty"]):
        pass
    return list(paths.values())


@contextmanager
def visited(world: World, folder: Path) -> Iterator[str]:
    """Serve the logs behind `PAGES` with the installed Datasette; yield its URL."""
    with rated_by_all(*write_visits(world, folder)) as root:
        yield root


def name_of(value: Any) -> str:
    """Return the id of a test for one of the pages."""
    return str(value).replace(" ", "-")
