"""Texts as recall sees them: long texts split into passages, and any text turned into words that can be looked up.

Pure. `terms` makes the words of the index, of texts and of queries alike, so that a prompt finds the things it names.
This module splits texts into passages, and chooses the words of a prompt that are worth looking up.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain

from .folding import fold, placed, unspaced
from .terms import LONGEST_WORD, Unit, indexed, is_word, terms, units
from .tokens import base

PASSAGE_TOKENS = 150.0
"""The weight of a passage in tokens (see `tokens.base`): long enough to be understood alone, short enough that several
fit in a small budget. Measured from 60 to 300: below 100 is worse by 1 to 8 points, above 150 is no better."""

WHOLE_UP_TO = 1.5
"""Texts of up to this many passages' weight stay whole, because halves of them would be too short."""

MOST_WORDS = 40
"""The most words of a prompt that are looked up: a pasted document is not a question about all of its words."""

_SHORT_RUN = 2
"""Up to this many CJK characters in a run, each may be a word by itself."""

_AHEAD, _AHEAD_UNSPACED = 120, 24
"""A passage that ends inside a word, or in a text without blanks, is indexed with up to this many characters more, so
that what crosses its end is found: more than the longest piece of a query (see `terms.terms`)."""

_HIRAGANA_SIGNS = "\u3041-\u3096"
_OTHER_CJK = "\u3005-\u3007\u30a1-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
_BORDERS = re.compile(r"\n\s*|(?<=[.!?…])\s+|(?<=[。！？])")
_BLANK = re.compile(r"\s+")


@cache
def _cjk() -> re.Pattern[str]:
    """Return the pattern of a run of Chinese, Japanese and Korean characters."""
    return re.compile(f"[{_HIRAGANA_SIGNS}{_OTHER_CJK}]+")


@cache
def _hiragana() -> re.Pattern[str]:
    return re.compile(f"[{_HIRAGANA_SIGNS}]+")


@cache
def _alone() -> re.Pattern[str]:
    return re.compile(f"(?<![{_OTHER_CJK}])[{_OTHER_CJK}](?![{_OTHER_CJK}])")


_FUNCTION_SIGNS = frozenset(
    "的了是在有和与也就都不没吗呢吧啊嗎們们我你您他她它这那哪里裡什么麼谁誰怎样樣个個会會能要说說何々ー"
)
"""CJK characters without meaning of their own: Chinese particles, pronouns, question words, the commonest verbs."""

STOP_WORDS = frozenset(
    """
    a about above after again against ain all also am an and any are aren as at be because been before being below
    between both but by can cannot could couldn d did didn do does doesn doing don done down during each even ever few
    for from further get gets getting go goes going gone got had hadn has hasn have haven having he her here hers
    herself hey hi him himself his how i if im in into is isn it its itself ive just know let like ll m made make makes
    making many may maybe me might mine more most much must my myself need no nor not now of off oh ok okay on once one
    only or other our ours ourselves out over own please re really s said same say says shall she should shouldn so some
    such t tell than thank thanks that the their theirs them themselves then there these they thing things this those
    through to too under until up us ve very want was wasn way we well went were weren what when where which while who
    whom whose why will with won would wouldn yeah yep yes you your yours yourself yourselves
    """.split()
)
"""English words that say nothing about the topic of a text. In other languages, the rarity of a word within the session
has to do this job (see `ranking.weigh`), slightly less well."""

SMALL_TALK = frozenset(
    """
    absolutely afternoon agree agreed ahead alright amazing awesome bye bravo brilliant certainly cheers clear clearer
    congrats congratulations continue cool correct course definitely evening exactly excellent explain fantastic fine
    fun funny glad good goodbye gotcha great ha haha happy hear hello hm hmm huh indeed interesting job lol longer
    love lovely luck mean mind mistake moment morning never nice nevermind night omg perfect problem repeat right
    sense shorter see sleep soon sorry sounds sure talk think today tomorrow true try um understand understood wait
    welcome wonderful work worked working works wow wrong yay yup
    adelante bien bitte bon claro continua continue danke dank danken dziękuję entendido estupendo genau genial
    gracias grazie gut gute hallo hola ja klar mach merci muchas nein obrigada obrigado oui parfait passt perfecto
    perfekt prego prima sehr si sim spasibo super sí toll tudo vale va vielen weiter спасибо да нет хорошо отлично
    好的 继续 繼續 谢谢 謝謝 很好 不错 不錯 没错 可以 明白 了解 承知 続け 続き 願い 감사 계속 좋아
    """.split()
)
"""Words that mean something next to others; a prompt of only these does not ask about anything said earlier.

They are English words, and the commonest thanks and assents of other languages.
"""


def split(text: str, tokens: float = PASSAGE_TOKENS, weight: float | None = None) -> list[tuple[int, int]]:
    """Return the start and end of each passage of `text`: whole paragraphs, lines or sentences, about `tokens` each.

    Passages are in order, do not overlap, are exact parts of the text without white space at their ends, and together
    contain all of it except white space. Only a sentence that weighs more than two passages is split. `weight` is the
    weight of the text, if it is known.
    """
    weight = base(text) if weight is None else weight
    if weight <= tokens * WHOLE_UP_TO:
        return list(_trimmed(text, [(0, len(text))]))
    most = max(1, int(len(text) * tokens / weight))
    spans: list[tuple[int, int]] = []
    start = end = 0
    for border in _borders(text, most):
        if end > start and border - start > most:
            spans.append((start, end))
            start = end
        end = border
    spans.append((start, len(text)))
    return list(_trimmed(text, spans))


def _borders(text: str, most: int) -> Iterator[int]:
    """Yield the ends of sentences, lines and paragraphs, and borders within those over twice `most` characters."""
    start = 0
    for border in chain((match.end() for match in _BORDERS.finditer(text)), [len(text)]):
        if border - start > 2 * most:
            while border - start > most:
                start = _blank_before(text, start, start + most)
                yield start
        yield border
        start = border


def _blank_before(text: str, start: int, end: int) -> int:
    """Return the end of the last white space in the second half of a stretch, or the end of the stretch."""
    middle = (start + end) // 2
    blanks = [match.end() for match in _BLANK.finditer(text, middle, end)]
    return blanks[-1] if blanks else end


def _trimmed(text: str, spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    for start, end in spans:
        passage = text[start:end]
        kept = passage.strip()
        if kept:
            first = start + len(passage) - len(passage.lstrip())
            yield first, first + len(kept)


def entries(text: str, start: int, end: int) -> tuple[str, str]:
    """Return the columns `text` and `parts` of the index for a passage of a text."""
    return indexed(text[start : reach(text, end)])


def reach(text: str, end: int) -> int:
    """Return where the indexed text of a passage ends: after a word that the passage would cut, or a little further."""
    following = text[end : end + _AHEAD]
    if not following or following[0].isspace():
        return end
    stretch = following.split(None, 1)[0]
    return end + len(stretch[:_AHEAD_UNSPACED] if unspaced().search(stretch) else stretch)


# -- prompts -----------------------------------------------------------


def query_words(prompt: str, most: int = MOST_WORDS) -> list[str]:
    """Return the words of a prompt that are looked up, in lower case, each once, in the order of the prompt.

    Stop words are left out, and so are CJK pairs of only hiragana, which are endings and particles. For small talk,
    nothing is looked up. Of a long prompt, the words that it repeats most are taken, then those nearest to its end,
    because that is where the question is.
    """
    words = [word for word in _words(prompt) if word not in STOP_WORDS and len(word) <= LONGEST_WORD]
    counts = Counter(words)
    if counts.keys() <= SMALL_TALK:
        return []
    if len(counts) <= most:
        return list(counts)
    last = {word: place for place, word in enumerate(words)}
    best = set(sorted(counts, key=lambda word: (-counts[word], -last[word]))[:most])
    return [word for word in counts if word in best]


def _words(text: str) -> Iterator[str]:
    if text.isascii():
        yield from fold(text).lower().split()
        return
    for stretch in unicodedata.normalize("NFKC", text).split():
        if stretch.isascii():
            yield from fold(stretch).lower().split()
        else:
            yield from _other_words(stretch)


def _other_words(stretch: str) -> Iterator[str]:
    """Yield the words of a stretch without blanks, with their accents, and the pairs of its runs."""
    folded, starts, ends = placed(stretch)
    run: list[Unit] = []
    for unit in units(folded):
        if run and not (unit.run and unit.start == run[-1].end):
            yield from _run_words("".join(one.text for one in run))
            run = []
        if unit.run:
            run.append(unit)
        else:
            yield stretch[starts[unit.start] : ends[unit.end - 1]].lower() if is_word(unit) else unit.text
    yield from _run_words("".join(one.text for one in run))


def _run_words(run: str) -> Iterator[str]:
    """Yield the pairs of a run that are not only hiragana, and the CJK characters that are words by themselves."""
    yield from (run[i : i + 2] for i in range(len(run) - 1) if not _hiragana().fullmatch(run[i : i + 2]))
    if len(run) > _SHORT_RUN:
        yield from _alone().findall(run)
    elif run not in SMALL_TALK:
        yield from (sign for sign in run if _cjk().match(sign) and not _hiragana().match(sign))


def characters(prompt: str) -> list[str]:
    """Return the CJK characters of a prompt that may be words by themselves, each once.

    They are for a prompt whose pairs find nothing (桥在哪里 for 一座桥): nothing marks where a word ends within a run.
    """
    if prompt.isascii():
        return []
    signs = (sign for run in unspaced().findall(fold(prompt)) for sign in run if _cjk().match(sign))
    return list(dict.fromkeys(sign for sign in signs if not _hiragana().match(sign) and sign not in _FUNCTION_SIGNS))


def term(word: str) -> str:
    """Return the FTS5 expression that finds a word of `query_words`.

    A single CJK character is found wherever a pair begins with it.
    """
    return " AND ".join(one.exact for one in terms(word)) or '""'
