"""What models write beyond CommonMark, as rules for markdown-it: formulas, links, task lists, footnotes, small tags.

Pure. Each rule looks at a bounded stretch of the text, so that the time for a text grows with its length only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.emphasis import tokenize
from markdown_it.token import Token

from .mathml import LONGEST

CLOSING = {"\\(": "\\)", "\\[": "\\]", "$$": "$$", "$": "$"}
"""The signs that begin a formula, and those that end it."""

_MOST_LINES = 60
"""The most lines of a formula."""

_ENVIRONMENT = re.compile(
    r"\\begin\{((?:align|aligned|alignat|cases|equation|eqnarray|flalign|gather|gathered|multline|split|array"
    r"|[bpvBV]?matrix)\*?)\}"
)
_ADDRESS = re.compile(
    r"(?<![\w@/:.])(?:https?://|www\.(?=\w))[^\s<>\"`\\\u3000-\u303f\uff00-\uffef]{1,2000}", re.IGNORECASE
)
_TASK = re.compile(r"\[([ xX])\]\s")
_DEFINITION = re.compile(r" {0,3}\[\^([^\]\s\[^]{1,60})\]:[ \t]*")
_REFERENCE = re.compile(r"\[\^([^\]\s\[^]{1,60})\]")
_EAST_ASIAN = re.compile(
    r"[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef]|[\U00020000-\U0003ffff]"
)
_MOST_FOOTNOTES = 200
_SMALL = re.compile(r"<(sub|sup|kbd)>([^<>\n]{1,200})</\1>|<br ?/?>", re.IGNORECASE)


def footnotes(text: str) -> dict[str, int]:
    """Return the labels of the footnotes that a text defines, each with its number. Others stay text."""
    labels = [match[1] for line in text.split("\n") if (match := _DEFINITION.match(line))]
    return {label: number for number, label in enumerate([*dict.fromkeys(labels)][:_MOST_FOOTNOTES], 1)}


def teach(reader: MarkdownIt) -> None:
    """Add the rules to a parser."""
    interrupting: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    reader.block.ruler.before("code", "math_block", _math_block, interrupting)
    reader.block.ruler.before("hr", "footnote", _footnote, interrupting)
    reader.inline.ruler.at("emphasis", _emphasis)
    reader.inline.ruler.before("escape", "math_inline", _math_inline)
    reader.inline.ruler.before("link", "footnote_reference", _footnote_reference)
    reader.inline.ruler.before("autolink", "small_tag", _small_tag)
    reader.core.ruler.push("tasks", _tasks)
    reader.core.ruler.push("bare_links", _bare_links)


# -- formulas ------------------------------------------------------------------


def _math_inline(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  markdown-it calls it so
    begin = state.src[state.pos : state.pos + 2]
    opening = begin if begin in CLOSING else "$" if begin[:1] == "$" else ""
    end = _end(state.src, state.pos, opening, state.posMax) if opening else -1
    if end < 0:
        return False
    if not silent:
        token = state.push("math_inline", "math", 0)
        token.content, token.markup = state.src[state.pos + len(opening) : end], opening
    state.pos = end + len(CLOSING[opening])
    return True


def _end(text: str, start: int, opening: str, most: int) -> int:
    """Return where a formula's closing sign stands, or -1 if this is not a formula."""
    begin = start + len(opening)
    end = text.find(CLOSING[opening], begin, min(most, begin + LONGEST))
    while end > 0 and opening[0] == "$" and text[end - 1] == "\\":
        end = text.find(CLOSING[opening], end + 1, min(most, begin + LONGEST))
    if end < 0 or not text[begin:end].strip():
        return -1
    return (
        -1
        if opening == "$" and not _is_formula(text[start - 1 : start], text[begin:end], text[end + 1 : end + 2])
        else end
    )


def _is_formula(before: str, inside: str, after: str) -> bool:
    """Return whether what stands between two dollar signs is a formula, not a price or a variable of a shell."""
    if before.isalnum() or after.isalnum() or after == "$" or inside[0].isspace() or inside[-1].isspace():
        return False
    has_words = re.search(r"\s", inside) and re.search(r"[^\W\d_]{2}", inside)
    return "\n" not in inside and (bool(re.search(r"[\\^_{}]", inside)) or not has_words)


def _math_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001  as above
    if state.is_code_block(start):
        return False
    first = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]]
    named = _ENVIRONMENT.match(first)
    opening = "" if named else first[:2]
    closing = rf"\end{{{named[1]}}}" if named else CLOSING.get(opening) if opening in ("\\[", "$$") else None
    if closing is None:
        return False
    lines: list[str] = []
    for number in range(start, min(end, start + _MOST_LINES)):
        if number > start and state.sCount[number] < state.blkIndent:
            return False
        line = state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]]
        rest = line[len(opening) :] if number == start else line
        lines.append(rest)
        if closing in rest:
            break
    else:
        return False
    content = "\n".join(lines).rstrip()
    inside = content if named else content[: -len(closing)]
    if not content.endswith(closing) or len(content) > LONGEST or not inside.strip():
        return False  # text follows on the same line: the rule for formulas within a line sees to it
    if not silent:
        token = state.push("math_block", "math", 0)
        token.content = inside
        token.markup, token.block, token.map = opening, True, [start, number + 1]
        state.line = number + 1
    return True


# -- footnotes -----------------------------------------------------------------


def _footnote(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001  as above
    """Read a definition: a line, what follows it without a blank line, and blocks that are indented under it."""
    if state.is_code_block(start):
        return False
    place = state.bMarks[start] + state.tShift[start]
    match = _DEFINITION.match(state.src, place, state.eMarks[start])
    number = state.env.get("footnotes", {}).get(match[1]) if match else None
    if match is None or number is None:
        return False
    if silent:
        return True
    token = state.push("footnote_open", "div", 1)
    token.block, token.meta = True, {"number": number}
    kept = state.bMarks[start], state.tShift[start], state.sCount[start], state.blkIndent, state.parentType
    state.bMarks[start], state.tShift[start], state.sCount[start] = match.end(), 0, state.blkIndent + 4
    state.blkIndent, state.parentType = state.blkIndent + 4, "footnote"
    state.md.block.tokenize(state, start, end)
    state.bMarks[start], state.tShift[start], state.sCount[start], state.blkIndent, state.parentType = kept
    state.push("footnote_close", "div", -1).block = True
    return True


def _footnote_reference(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  as above
    match = _REFERENCE.match(state.src, state.pos, state.posMax)
    number = state.env.get("footnotes", {}).get(match[1]) if match else None
    if match is None or number is None:
        return False
    if not silent:
        state.push("footnote_reference", "sup", 0).meta = {"number": number}
    state.pos = match.end()
    return True


# -- small things --------------------------------------------------------------


def _small_tag(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  as above
    """Read the tags without attributes that models write within a line; all others are shown as text."""
    match = _SMALL.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    if not silent:
        tag = (match[1] or "br").lower()
        token = state.push("small_tag" if match[1] else "hardbreak", tag, 0)
        token.content = match[2] or ""
    state.pos = match.end()
    return True


def _emphasis(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  as above
    """Read asterisks as CommonMark does, but let them stand between punctuation and a character of East Asia.

    CommonMark expects a blank there, which these scripts don't have: `**注意：**内容`.
    """
    start, place = len(state.delimiters), state.pos
    if not tokenize(state, silent):
        return False
    before, after = state.src[place - 1 : place], state.src[state.pos : state.pos + 1]
    if state.src[place] == "*" and (_EAST_ASIAN.match(before) or _EAST_ASIAN.match(after)):
        for delimiter in state.delimiters[start:]:
            delimiter.open = delimiter.open or bool(_EAST_ASIAN.match(before) and after.strip())
            delimiter.close = delimiter.close or bool(_EAST_ASIAN.match(after) and before.strip())
    return True


def _tasks(state: StateCore) -> None:
    """Turn “[x]” at the beginning of a list's items into boxes."""
    for place, token in enumerate(state.tokens[2:], 2):
        if token.type != "inline" or state.tokens[place - 2].type != "list_item_open" or not token.children:
            continue
        first = token.children[0]
        match = _TASK.match(first.content) if first.type == "text" else None
        if match:
            first.content = first.content[match.end() :]
            box = Token("task", "span", 0)
            box.meta = {"done": match[1] != " "}
            token.children.insert(0, box)
            state.tokens[place - 2].attrSet("class", "sv-task")


def _bare_links(state: StateCore) -> None:
    for token in state.tokens:
        if token.type == "inline" and token.children and ("://" in token.content or "www." in token.content.lower()):
            token.children = [*_linked(state.md, token.children)]


def _linked(reader: MarkdownIt, children: Sequence[Token]) -> Iterator[Token]:
    """Yield the tokens of a line, with the addresses in its texts as links."""
    within = 0
    for child in children:
        within += child.nesting if child.type in ("link_open", "link_close") else 0
        if within or child.type != "text":
            yield child
            continue
        place = 0
        for match in _ADDRESS.finditer(child.content):
            shown = _trimmed(match.group())
            address = reader.normalizeLink(shown if shown[:4].lower() == "http" else f"https://{shown}")
            if len(shown) < len("www.x") or shown.endswith("//") or not reader.validateLink(address):
                continue
            yield _said(child.content[place : match.start()])
            yield Token("link_open", "a", 1, attrs={"href": address})
            yield _said(shown)
            yield Token("link_close", "a", -1)
            place = match.start() + len(shown)
        yield _said(child.content[place:])


def _trimmed(address: str) -> str:
    """Return an address without the punctuation of the sentence that it stands in."""
    end = len(address)
    open_ = {")": address.count("(") - address.count(")"), "]": address.count("[") - address.count("]")}
    while end:
        last = address[end - 1]
        if last in open_ and open_[last] < 0:
            open_[last] += 1
        elif last not in "?!.,:;*_~'’”»…":
            break
        end -= 1
    return address[:end]


def _said(text: str) -> Token:
    return Token("text", "", 0, content=text)
