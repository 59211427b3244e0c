"""Describe a request for its page: what was sent in words and figures, every exchange's fate, what changed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llm_session_memory.reader.figures import small_dollars
from llm_session_memory.reader.sent import Fate, Sent, Since, ranges
from llm_session_memory.reader.values import Stem
from llm_session_memory.rules.safe_text import one_line
from llm_session_memory.rules.words import counted

from ..web.links import Links
from .head import Chip
from .points import session_of

WORDS: dict[Fate, str] = {
    "recent": "newest",
    "pinned": "pinned",
    "recalled": "recalled",
    "summarised": "summarised",
    "pruned": "not sent",
}

_CELLS = 400
"""In requests after more exchanges than this, a long run of the same fate is one cell."""

_NAMED = 12
"""The most stretches of exchanges that are named as not sent."""

_LONG = 24
"""A run of more exchanges than this is long."""


@dataclass(frozen=True)
class FateCell:
    """One exchange of the session, or a long run of exchanges, with its fate."""

    fate: Fate
    title: str
    url: str
    text: str = ""


def chips(sent: Sent, history: int | None) -> list[Chip]:
    """Return the figures of a request as chips; `history` is the length of all that was said before."""
    found: list[Chip] = []
    if sent.input_tokens is not None and sent.unknown == "imported":
        found.append(Chip(f"{sent.input_tokens:,}", "input tokens, according to the imported file"))
    elif sent.input_tokens is not None:
        expected = f"; the estimate was {sent.why.estimate:,}" if sent.why else ""
        found.append(Chip(f"{sent.input_tokens:,}", "tokens sent", f"Counted by the server{expected}"))
    elif sent.why:
        found.append(Chip(f"{sent.why.estimate:,}", "tokens sent, by estimate", "The server reported no count"))
    if sent.why:
        found.append(Chip(f"{sent.why.budget:,}", "budget", "The most tokens that a request of the session could have"))
    if history is not None and (whole := sent.share(history)) and sent.tokens and whole > sent.tokens:
        found.append(Chip(f"about {whole:,}", "in the whole history", "The tokens of everything said before"))
    if sent.model:
        found.append(Chip(one_line(sent.model, 80)))
    if sent.datetime_utc:
        found.append(Chip("", utc=sent.datetime_utc))
    return found


def unknown(sent: Sent) -> str:
    """Return in words why the messages that were sent are not in the log, or an empty text if they are."""
    if sent.unknown == "older":
        return (
            "This exchange was logged by an older llm, which kept the prompt and the reply, but not what else it sent."
        )
    if sent.unknown and sent.why:
        return (
            "This exchange was imported. The file says what was chosen for it, but not how it was sent, word for word."
        )
    if sent.unknown:
        return "This exchange was imported with its prompt and its reply. The log does not say what else was sent."
    return ""


def lead(sent: Sent) -> str:
    """Return in a sentence or two what the model was sent of the earlier exchanges."""
    if not sent.has_fates:
        return ""
    earlier = sent.number - 1
    if not earlier:
        return "This is the first exchange, so there was nothing earlier to send."
    whole, left = sent.counted("recent") + sent.counted("pinned"), sent.counted("pruned")
    if whole == earlier:
        return f"The model was sent {'the' if earlier == 1 else f'all {earlier:,}'} earlier {_exchanges(earlier)}."
    parts: list[str] = []
    for what, count in (
        ("", whole),
        ("passages of ", sent.counted("recalled")),
        ("a summary of ", sent.counted("summarised")),
    ):
        if count:
            parts.append(f"{what}{count:,} " + ("more" if parts else f"of {earlier:,} earlier {_exchanges(earlier)}"))
    if not parts:
        return f"The model was sent nothing of the {counted(earlier, 'earlier exchange')}."
    rest = (
        f" It saw nothing of the other {left:,}." if left > 1 else " It saw nothing of the other one." if left else ""
    )
    return f"The model was sent {_listed(parts)}.{rest}"


def _exchanges(count: int) -> str:
    return "exchange" if count == 1 else "exchanges"


def _listed(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))


def left_out(sent: Sent) -> str:
    """Return which earlier exchanges were not sent, in words, or nothing if all were. Many are shortened."""
    runs = [run for run in sent.runs if run.fate == "pruned"]
    if not runs:
        return ""
    names = [f"#{run.first:,}" if run.count == 1 else f"#{run.first:,}–#{run.last:,}" for run in runs]
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    verb = "was" if sum(run.count for run in runs) == 1 else "were"
    why = f" A request of this session could have at most {sent.why.budget:,} tokens." if sent.why else ""
    return f"{', '.join(names[:_NAMED])}{more} {verb} not sent.{why}"


def cells(sent: Sent, links: Links, reference: str, stems: Sequence[Stem] = ()) -> list[FateCell]:
    """Return every earlier exchange with its fate. In long sessions, a long run is one cell."""

    def name(number: int) -> str:
        of = session_of(stems, number)
        return f"#{number:,} from {of}" if of else f"#{number:,}"

    found: list[FateCell] = []
    for run in sent.runs:
        words = WORDS[run.fate] if sent.why or run.fate != "recent" else "sent"
        if sent.number > _CELLS and run.count > _LONG:
            span = ranges([run.first])[0] + f"–#{run.last:,}"
            found.append(FateCell(run.fate, f"{span}: {words}", links.exchange(reference, run.first), span))
        else:
            found += [
                FateCell(run.fate, f"{name(number)}: {words}", links.exchange(reference, number))
                for number in range(run.first, run.last + 1)
            ]
    return found


def cached(change: Since, sent: Sent) -> str:
    """Return in words how much of a request began as the previous one, which is what a prompt cache can keep."""
    if not change.same_model:
        return "Nothing: a different model answered the previous exchange."
    part = round(100 * change.shared / sent.characters) if sent.characters else 0
    tokens = sent.share(change.shared)
    if not part:
        return "Nothing: the beginning is different."
    figure = f", about {tokens:,} of {sent.tokens:,} tokens" if tokens is not None else ""
    return f"{part}% unchanged{figure}, counted from the beginning."


def size(sent: Sent, change: Since) -> str:
    """Return in words how large a request was compared to the previous one, and what it cost."""
    said = []
    if change.tokens is not None:
        more = "more" if change.tokens >= 0 else "fewer"
        said.append(f"{counted(abs(change.tokens), f'{more} token')} than at #{change.number:,}")
    if sent.cost is not None:
        said.append(f"{small_dollars(sent.cost)} with the reply")
    return "; ".join(said) or "not counted"
