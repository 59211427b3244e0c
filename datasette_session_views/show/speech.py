"""What was said in an exchange, as parts: each has one speaker, a heading, and blocks. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from llm_session_memory.reader.files.markup import plain
from llm_session_memory.reader.values import Attempt, Call, Exchange, HeldAttachment, Piece
from llm_session_memory.rules.safe_text import one_line
from llm_session_memory.rules.words import counted

from .called import Spoken, answers, in_line, laid_out, schema_in_line, schema_title
from .showing import Showing

_MOST = 200
"""The most pieces of an exchange on a page: the first ones, and the last ones, which have the reply."""

_LAST = 50

_FILES = 60
"""The most attachments of one message or of one failed prompt on a page."""

_NO_TEXT = '<p class="sv-sub sv-no-text">(no text)</p>'


@dataclass(frozen=True)
class SpeechBlock:
    """One block of a part. `kind` is its CSS class, or empty if its HTML needs none.

    If it has a `summary`, the block is folded under a line: `lead`, the summary in bold type, and `detail`.
    """

    kind: str
    html: str
    summary: str = ""
    detail: str = ""
    lead: str = ""
    opened: bool = False
    """Whether its fold is open, because it has marked words."""


@dataclass(frozen=True)
class SpeechPart:
    """What one speaker says, under a heading that says `who` speaks. What nobody says has no heading."""

    kind: str
    blocks: tuple[SpeechBlock, ...]
    who: str = ""


@dataclass
class _Draft:
    """A part that is being put together."""

    kind: str
    who: str
    blocks: list[SpeechBlock] = field(default_factory=list)


class Speech:
    """Puts the parts of one exchange or attempt together, in the order in which things were said."""

    def __init__(self, showing: Showing, number: int = 0) -> None:
        self._showing, self._number = showing, number
        self._drafts: list[_Draft] = []
        self._sent: list[SpeechBlock] = []
        """What was sent with the prompt, but not by the person. It stands at the beginning of the reply."""
        self._begun: set[str] = set()
        """The calls whose replies have begun."""
        self._schema = ""

    def of_exchange(
        self, exchange: Exchange, before: Sequence[SpeechBlock], sent: Sequence[SpeechBlock]
    ) -> tuple[SpeechPart, ...]:
        """Return the parts of an exchange.

        Args:
            exchange: the exchange.
            before: the blocks before the prompt.
            sent: the blocks of what was sent with the prompt, but not by the person.
        """
        for block in before:
            self._add("between", "", block)
        self._sent = [*sent]
        said = [
            Spoken(call, message.role, piece)
            for call in exchange.calls
            for message in call.messages
            for piece in message.pieces
        ]
        left_out = range(_MOST - _LAST, len(said) - _LAST)
        answered = {call: result for call, result in answers(said).items() if call not in left_out}
        results = set(answered.values())
        for place, one in enumerate(said):
            if one.role == "assistant":
                self._begin(one.call)
            if place in left_out:
                if place == left_out.start:
                    self._add_reply(one.call.model, SpeechBlock("rest", self._rest(len(left_out))))
            elif place not in results:
                result = answered.get(place)
                self._piece(one, None if result is None else said[result].piece)
        return self._whole(exchange.calls)

    def of_attempt(self, attempt: Attempt, end: SpeechBlock) -> tuple[SpeechPart, ...]:
        """Return the parts of an attempt; `end` is the block that says how it ended."""
        fragments = [one for one in attempt.given if one.text is not None]
        for given in fragments[:_FILES]:
            self._add("you", "You", self._fragment(given.source or "without a name", given.text or ""))
        self._more("you", "You", len(fragments) - _FILES, "fragment")
        if attempt.prompt.strip():
            self._add("you", "You", SpeechBlock("", self._showing.text(attempt.prompt)))
        self._files(
            "you", "You", [HeldAttachment("", o.type, o.path, o.url, o.size) for o in attempt.given if o.text is None]
        )
        self._prompted()
        if attempt.partial.strip():
            self._add_reply(attempt.model, SpeechBlock("", self._showing.markdown(attempt.partial)))
        self._add_reply(attempt.model, end)
        return self._parts()

    # -- pieces ----------------------------------------------------------

    def _piece(self, one: Spoken, result: Piece | None) -> None:
        piece, model, number = one.piece, one.call.model, self._number
        mine = one.role == "user"
        kind, who = ("you", "You") if mine else ("reply", _speaker(model))
        if piece.kind == "text" and one.role == "system":
            text = self._showing.text(piece.text, number)
            self._add("between", "", SpeechBlock("system", text, "System prompt", one_line(piece.text, 80)))
        elif piece.kind == "text" and piece.text.strip():
            text = self._showing.text(piece.text, number) if mine else self._showing.markdown(piece.text, number)
            self._add(kind, who, SpeechBlock("", text))
        elif piece.kind == "reasoning":
            self._add(kind, who, self._thought(piece.text))
        elif piece.kind == "tool_call":
            self._add_reply(model, self._called(piece, result))
            self._files("reply", _speaker(model), result.attachments if result else ())
        elif piece.kind == "tool_result":
            detail = one_line(piece.text, 100) or "empty"
            code = self._showing.code(piece.text, number)
            self._add_reply(model, SpeechBlock("tool", code, one_line(piece.name, 80) or "a tool", detail, "Result of"))
        elif piece.kind == "fragment":
            self._add(kind, who, self._fragment(piece.name, piece.text))
        elif piece.kind == "other":
            self._add(kind, who, SpeechBlock("other", self._showing.code(piece.text, number), one_line(piece.name, 80)))
        self._files(kind, who, piece.attachments)

    def _thought(self, text: str) -> SpeechBlock:
        if not text:
            return SpeechBlock("", '<p class="sv-sub">Reasoning withheld by the provider</p>')
        said = counted(len(text), "character")
        return SpeechBlock("reasoning", self._showing.markdown(text, self._number), "Reasoning", said)

    def _called(self, piece: Piece, result: Piece | None) -> SpeechBlock:
        """Return a tool call and its result as one fold."""
        name, arguments = one_line(piece.name, 80), in_line(piece.text)
        inside = self._titled("Arguments", laid_out(piece.text)) if arguments else ""
        came = "no result"
        if result is not None:
            came = one_line(result.text, 100) or "empty"
            inside += self._titled("Result", result.text) if result.text else ""
        return SpeechBlock("tool", inside, name, f"({arguments}) → {came}", "Tool call")

    def _titled(self, title: str, text: str) -> str:
        return f'<p class="sv-sub">{title}</p>{self._showing.code(text, self._number)}'

    def _fragment(self, source: str, text: str) -> SpeechBlock:
        detail = f"{one_line(source, 100)}, {counted(len(text), 'character')}"
        return SpeechBlock("fragment", self._showing.text(text, self._number), "Fragment", detail)

    def _files(self, kind: str, who: str, files: Sequence[HeldAttachment]) -> None:
        """Add attachments, together with those just before them."""
        for held in files[:_FILES]:
            html = self._showing.file(held)
            last = self._drafts[-1] if self._drafts else None
            if last and (last.kind, last.who) == (kind, who) and last.blocks[-1].kind == "files":
                html = last.blocks.pop().html + html
            self._add(kind, who, SpeechBlock("files", html))
        self._more(kind, who, len(files) - _FILES, "attachment")

    def _more(self, kind: str, who: str, many: int, noun: str) -> None:
        """Say how many things there are beyond those on the page, if there are any."""
        if many > 0:
            self._add(kind, who, SpeechBlock("", f'<p class="sv-sub">… and {counted(many, f"more {noun}")}</p>'))

    # -- parts -----------------------------------------------------------

    def _begin(self, call: Call) -> None:
        """Begin the reply of a call with what was sent with it, unless it has begun."""
        if call.id in self._begun:
            return
        self._begun.add(call.id)
        self._prompted()
        sent, self._sent = self._sent, []
        if call.cut:
            sent.append(SpeechBlock("cut", plain(f"The server cut this request. {call.cut}")))
        schema, self._schema = self._schema, call.schema
        if call.schema and call.schema != schema:
            code = self._showing.code(laid_out(call.schema), self._number)
            title = schema_title(call.schema)
            sent.append(
                SpeechBlock("schema", code, "Schema", ": ".join(filter(None, [title, schema_in_line(call.schema)])))
            )
        for block in sent:
            self._add_reply(call.model, block)

    def _prompted(self) -> None:
        """See to it that something stands for the prompt."""
        if not any(one.kind == "you" for one in self._drafts):
            self._add("you", "You", SpeechBlock("", _NO_TEXT))

    def _whole(self, calls: Sequence[Call]) -> tuple[SpeechPart, ...]:
        """Return the parts. An exchange without a prompt or a reply says so."""
        for call in calls:
            self._begin(call)
        output = [piece for one in calls[-1].messages if one.role == "assistant" for piece in one.pieces]
        if not any(one.kind == "tool_call" or (one.kind == "text" and one.text.strip()) for one in output):
            self._add_reply(calls[-1].model, SpeechBlock("", _NO_TEXT))
        return self._parts()

    def _add_reply(self, model: str, block: SpeechBlock) -> None:
        self._add("reply", _speaker(model), block)

    def _add(self, kind: str, who: str, block: SpeechBlock) -> None:
        last = self._drafts[-1] if self._drafts else None
        if last is None or (last.kind, last.who) != (kind, who):
            last = _Draft(kind, who)
            self._drafts.append(last)
        last.blocks.append(block)

    def _parts(self) -> tuple[SpeechPart, ...]:
        return tuple(SpeechPart(one.kind, tuple(one.blocks), one.who) for one in self._drafts)

    def _rest(self, many: int) -> str:
        links, here = self._showing.links, self._showing.reference
        address = links.session(here, "md", **{"from": self._number, "to": self._number})
        whole = f'<a href="{escape(address)}">Download the exchange as Markdown</a>'
        return f"<p>… {counted(many, 'part')} of this exchange are left out here. {whole}</p>"


def _speaker(model: str) -> str:
    return one_line(model, 80) or "The model"
