"""The table of a drill, and its place in docs/reliability.md."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.drill.schedule import Row

BEGIN, END = "<!-- drill: `make drill` writes this part -->", "<!-- end of the drill's part -->"

LONGEST = 200
"""Characters of a message in the table."""

HEADINGS = ("Fault", "How", "Runs", "Exchanges lost", "Prompts lost", "File clean", "Message")


def table(rows: Sequence[Row]) -> str:
    """Return the table as Markdown."""
    lines = [HEADINGS, ("---", "---", "---:", "---:", "---:", "---", "---"), *map(_line, rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def totals(rows: Sequence[Row]) -> str:
    """Return one sentence about all rows."""
    verdicts = [verdict for row in rows for verdict in row.verdicts]
    return (
        f"{len(verdicts)} runs of {sum(bool(row.verdicts) for row in rows)} faults: "
        f"{sum(verdict.lost_replies for verdict in verdicts)} exchanges lost, "
        f"{sum(verdict.lost_prompts for verdict in verdicts)} prompts lost, "
        f"{sum(bool(verdict.unclean) for verdict in verdicts)} files not clean, "
        f"{sum(len(verdict.troubles) for verdict in verdicts)} other problems."
    )


def written(page: Path, text: str) -> None:
    """Put a text between the marks of a page."""
    before, _, rest = page.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", "utf-8")


def _line(row: Row) -> tuple[str, ...]:
    if not row.verdicts:
        return (_cell(row.fault.name), _cell(row.fault.how), "0", "", "", "", f"not run: {row.not_run}")
    replies = sum(verdict.lost_replies for verdict in row.verdicts)
    prompts = sum(verdict.lost_prompts for verdict in row.verdicts)
    clean = "**no**" if any(verdict.unclean for verdict in row.verdicts) else "yes"
    if clean == "yes" and all(verdict.broken for verdict in row.verdicts):
        clean = "–"  # the fault itself breaks it
    counts = [str(replies) if not replies else f"**{replies}**", str(prompts) if not prompts else f"**{prompts}**"]
    return (_cell(row.fault.name), _cell(row.fault.how), str(len(row.verdicts)), *counts, clean, _message(row))


def _message(row: Row) -> str:
    """Return the message that most runs ended with, or the first trouble."""
    troubles = [trouble for verdict in row.verdicts for trouble in verdict.troubles]
    if troubles:
        return f"**{_plain(troubles[0])}**"
    said = Counter(_plain(verdict.said) for verdict in row.verdicts if verdict.said)
    return said.most_common(1)[0][0] if said else "–"


def _plain(text: str) -> str:
    """Return a message without what differs from run to run, and short enough for a cell."""
    text = re.sub(r"/\S*/(logs\.db|llm|home)\b", r"…/\1", text)
    text = re.sub(r"/\S*unsaved-replies\S*/\S+\.json", "FILE", text)
    text = re.sub(r"(?<!\w)/\S{12,}", "FILE", text)
    text = re.sub(r"127\.0\.0\.1:\d+", "HOST", re.sub(r"[^\x20-\x7e\u2018-\u201f\u2026]", "�", text))
    return _cell(text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…")


def _cell(text: str) -> str:
    """Return a text as it stands in a cell; between backticks Markdown shows `&lt;` as it is."""
    return text.replace("|", "\\|").replace("<", "<" if "`" in text else "&lt;")
