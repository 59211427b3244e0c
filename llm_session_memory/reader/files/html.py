"""A session as one self-contained HTML page: no scripts, no requests, readable on a phone and on paper.

Text from models, tools and files is hostile until it is escaped. Replies are Markdown; HTML in them is shown as text
(see `markup`), and images on the web become links. A content security policy is the second line of defence.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from html import escape

from ...model import Attachment, Attempt, Beside, Bookmark, Exchange, Message, Part, Rating, Session, Turn
from ...rules.file_names import without_folders
from ...rules.safe_text import one_line, plain, visible
from ...rules.server_cuts import counts_all
from ...rules.thinking import as_reasoning
from ..given import given_with
from .elements import Formatting
from .markdown import family_words, headline, mark_words
from .markup import json_block, rendered
from .markup import plain as unmarked
from .style import STYLE

_IMAGES = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), "image/webp"),
)
"""The types of images that are shown, recognised by their first bytes. SVG is left out because it can hold scripts."""

_NO_TEXT = '<p class="soft">(no text)</p>\n'

_TITLE_WIDTH = 300

_LARGEST_IMAGE = 20_000_000
"""The most bytes of an image that is embedded in the page."""


class Page:
    """The parts of a session's page, in the order of the calls; each method returns HTML."""

    def __init__(self, session: Session, filled: Callable[[Attachment], Attachment], beside: Beside) -> None:
        """Prepare a page; `filled` loads an attachment's bytes, `beside` has the session's tags, facts and notes."""
        self.session = session
        self.beside = beside
        self.filled = filled
        self._keys: set[str] = set()
        self._speaker = ""
        self._schema = ""

    def top(self, title: str, many: str, exported_utc: str) -> str:
        """Return the beginning: head, title, facts, notes, system prompt. `many` says which exchanges the page has."""
        name = one_line(headline(self.session, self.beside, title), _TITLE_WIDTH)
        settings = self.session.settings
        facts = [
            many,
            *([visible(settings.model)] if settings.model else []),
            *([f"project {visible(self.beside.project)}"] if self.beside.project else []),
            *(visible(f"{label.lower()} {text}") for label, text in family_words(self.beside)),
            *map(visible, self.beside.tags),
            *(visible(f"{key}={value}") for key, value in self.beside.meta.items()),
        ]
        hashed = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
        policy = f"default-src 'none'; img-src data:; style-src 'sha256-{hashed}'; base-uri 'none'; form-action 'none'"
        system = _folded("System prompt", _text(settings.system)) if settings.system else ""
        notes = "".join(f'<div class="note" dir="auto">{_text(note.text)}</div>\n' for note in self.beside.notes)
        kept = f'<p class="soft">Notes</p>\n{notes}' if notes else ""
        return (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
            '<meta http-equiv="x-dns-prefetch-control" content="off">\n'
            '<meta name="referrer" content="no-referrer">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="color-scheme" content="light dark">\n'
            f"<title>{escape(name)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
            f"<header><h1>{_isolated(name)}</h1>\n"
            f"<p>{' · '.join(map(_isolated, facts))} · exported {_time(exported_utc)}</p></header>\n{kept}{system}"
        )

    def bottom(self) -> str:
        """Return the end of the page."""
        return "</main>\n</body>\n</html>\n"

    def exchange(
        self, exchange: Exchange, *, pinned: bool, rating: Rating | None = None, bookmark: Bookmark | None = None
    ) -> str:
        """Return an exchange."""
        number = f"e{exchange.number}"
        self._speaker = ""
        meta = [f'<h2><a class="no" href="#{number}">#{exchange.number:,}</a></h2>', *_facts(exchange)]
        if pinned:
            meta.append('<span class="pin">pinned</span>')
        if bookmark:
            meta.append(f'<span class="pin">{_isolated(visible(bookmark.label))}</span>')
        if rating:
            meta.append(f"<span>rated {escape(mark_words(rating.mark))}</span>")
        if not all(counts_all(turn.cut) for turn in exchange.turns):
            meta.append("<span>cut by the server</span>")
        elif any(turn.cut for turn in exchange.turns):
            meta.append("<span>filled the context window</span>")
        body = "" if exchange.has_prompt else self._said("You") + _NO_TEXT
        body += "".join(self._turn(turn) for turn in exchange.turns)
        if not exchange.has_reply:
            body += self._said(exchange.turns[-1].model or "The model") + _NO_TEXT
        if rating and rating.note:
            body += _folded("Reason for the rating", _text(rating.note))
        return f'<article id="{number}">\n<div class="meta">{" ".join(meta)}</div>\n{body}</article>\n'

    def snapshot(self, label: str) -> str:
        """Return the mark of a snapshot that was made after an exchange."""
        return f'<p class="soft">Snapshot “{_isolated(visible(label))}”</p>\n'

    def attempt(self, attempt: Attempt, answered_by: int | None) -> str:
        """Return a failed attempt; `answered_by` is the exchange that answered its prompt later."""
        self._speaker = ""
        meta = ["<h2>Failed prompt</h2>", _time(attempt.datetime_utc), _isolated(visible(attempt.model))]
        if answered_by:
            meta.append(f'<a href="#e{answered_by}">answered by #{answered_by:,}</a>')
        else:
            meta.append("<span>not answered</span>")
        given = "".join(
            f"<li{_titled(one.path)}>{_isolated(one_line(one.words, 200))}</li>" for one in given_with(attempt.request)
        )
        with_it = f'<ul class="with">{given}</ul>\n' if given else ""
        asked = f'{self._said("You")}<div class="you">{unmarked(attempt.prompt, fold=True)}</div>\n{with_it}'
        answer = self._said(attempt.model or "The model")
        partial = f'<div class="reply">{self._rendered(attempt.partial)}</div>\n' if attempt.partial else ""
        return (
            f'<article>\n<div class="meta">{" ".join(meta)}</div>\n{asked}{answer}{partial}'
            f'<div class="failed" dir="auto">{_text(attempt.error)}</div>\n</article>\n'
        )

    # -- within an exchange ----------------------------------------------

    def _turn(self, turn: Turn) -> str:
        sources = "".join(f"<li>{_isolated(visible(source[:200]))}</li>" for source in turn.fragments)
        fragments = f'<ul class="with">{sources}</ul>\n' if sources else ""
        asked, answered = (
            "".join(html for message in messages for html in self._message(message, turn.model))
            for messages in (turn.input, turn.output)
        )
        before, self._schema = self._schema, turn.schema
        schema = _folded_code("Schema", turn.schema) if turn.schema not in ("", before) else ""
        return fragments + asked + schema + answered

    def _said(self, who: str) -> str:
        """Return a heading if somebody else speaks than before."""
        before, self._speaker = self._speaker, who
        return "" if who == before else f'<h3 class="who">{_isolated(visible(who))}</h3>\n'

    def _message(self, message: Message, model: str) -> Iterator[str]:
        if message.parts and message.role in ("assistant", "user"):
            yield self._said("You" if message.role == "user" else model or "The model")
        for part in as_reasoning(message).parts:
            text = str(part.data.get("text") or "")
            match part.type:
                case "text" if not text.strip():
                    pass
                case "text" if message.role == "assistant":
                    yield f'<div class="reply">{self._rendered(text)}</div>\n'
                case "text":
                    yield f'<div class="you">{unmarked(text, fold=True)}</div>\n'
                case "reasoning":
                    yield _folded("Reasoning", _text(text)) if text else '<p class="soft">Reasoning withheld</p>\n'
                case "tool_call":
                    yield _folded_code(f"Tool call {_named(part)}", _arguments(part))
                case "tool_result":
                    failed = part.data.get("exception")
                    output = f"{part.data.get('output') or ''}" + (f"\n{failed}" if failed else "")
                    yield _folded_code(f"Result of {_named(part)}", output)
                case _:
                    pass
            yield from map(self._attachment, part.attachments)

    def _rendered(self, text: str) -> str:
        """Return a reply as HTML; the addresses of its footnotes are its own in the whole page."""
        return rendered(text, Formatting(keys=self._keys), fold=True)

    def _attachment(self, attachment: Attachment) -> str:
        where = attachment.url or without_folders(attachment.path or "")
        label = visible(" ".join(filter(None, [attachment.type or "attachment", where])))
        image = self._image(attachment) if not attachment.url else None
        if image:
            return f'<figure><img src="{image}" alt="{escape(label)}"></figure>\n'
        return f'<p class="soft"{_titled(attachment.path)}>Attachment: {_isolated(label)}</p>\n'

    def _image(self, attachment: Attachment) -> str | None:
        """Return an image as a data: URL, or None if this type is not shown."""
        content = self.filled(attachment).content or b""
        type_ = next((type_ for begins, type_ in _IMAGES if begins.match(content)), None)
        if type_ is None or len(content) > _LARGEST_IMAGE:
            return None
        return f"data:{type_};base64,{base64.b64encode(content).decode('ascii')}"


# -- texts -----------------------------------------------------------------


def _text(text: str) -> str:
    return escape(plain(text))


def _isolated(text: str) -> str:
    """Return a name as HTML whose text direction does not affect its surroundings."""
    return f"<bdi>{escape(text)}</bdi>"


def _titled(path: str | None) -> str:
    """Return the whole path of a file as a title, as an attribute for HTML."""
    return f' title="{escape(visible(one_line(path, _TITLE_WIDTH)))}"' if path else ""


def _folded(title: str, html: str) -> str:
    return f'<details><summary>{title}</summary><pre dir="auto">{html}</pre></details>\n'


def _folded_code(title: str, text: str) -> str:
    return f"<details><summary>{title}</summary>{json_block(text)}</details>\n"


def _named(part: Part) -> str:
    return f"<b>{_isolated(visible(str(part.data.get('name') or '')))}</b>"


def _arguments(part: Part) -> str:
    return json.dumps(part.data.get("arguments"), ensure_ascii=False, indent=2)


def _facts(exchange: Exchange) -> Iterator[str]:
    first, last = exchange.turns[0], exchange.turns[-1]
    if first.datetime_utc:
        yield _time(first.datetime_utc)
    yield f"<span>{_isolated(visible(first.model))}</span>"
    if last.input_tokens is not None or last.output_tokens is not None:
        out = sum(turn.output_tokens or 0 for turn in exchange.turns)
        yield f"<span>{last.input_tokens or 0:,} → {out:,} tokens</span>"
    took = sum(turn.duration_ms or 0 for turn in exchange.turns)
    if took:
        yield f"<span>{took / 1000:.1f} s</span>"


def _time(utc: str) -> str:
    shown = utc[:16].replace("T", " ")
    return f'<time datetime="{escape(visible(utc))}">{escape(visible(shown))} UTC</time>'
