"""The rules of Markdown that a model wrote: nothing in it runs or loads, and nothing is lost."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llm_session_memory.reader.files.code import coloured
from llm_session_memory.reader.files.elements import Formatting, is_safe_link
from llm_session_memory.reader.files.markup import plain, rendered
from llm_session_memory.reader.files.segments import LONGEST, as_json, segments
from tests.views.conftest import Tags
from tests.world.laws import tried

FORMULAS = {
    "math", "mfrac", "mi", "mmultiscripts", "mn", "mo", "mover", "mpadded", "mphantom", "mprescripts", "mroot", "mrow",
    "mspace", "msqrt", "mstyle", "msub", "msubsup", "msup", "mtable", "mtd", "mtext", "mtr", "munder", "munderover",
}  # fmt: skip
"""The elements of presentation MathML. None of them loads, leads anywhere, or takes a style."""

ALLOWED = FORMULAS | {
    "a", "blockquote", "br", "code", "details", "div", "em", "h3", "h4", "h5", "h6", "hr", "kbd", "li", "ol", "p",
    "pre", "s", "span", "strong", "sub", "summary", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
ATTRIBUTES = {
    "class", "href", "title", "rel", "dir", "tabindex", "data-language", "start", "id", "role", "aria-label",
}  # fmt: skip
OF_FORMULAS = {
    "accent", "accentunder", "alttext", "class", "depth", "dir", "display", "displaystyle", "fence", "form", "height",
    "largeop", "linethickness", "lspace", "mathvariant", "maxsize", "minsize", "movablelimits", "rspace", "scriptlevel",
    "separator", "stretchy", "symmetric", "width",
}  # fmt: skip
CLASS = re.compile(r"[a-z0-9 -]*")
ID = re.compile(r"(fn|fnref)-[0-9a-f]{8}(-\d+)?-\d+")


def checked(html: str) -> Tags:
    """Return the elements of rendered text, after checking that all of them are harmless."""
    tags = Tags(html)
    assert tags.names() <= ALLOWED
    for tag, attributes in tags.found:
        assert set(attributes) <= (OF_FORMULAS if tag in FORMULAS else ATTRIBUTES), (tag, attributes)
        if "href" in attributes:
            address = attributes["href"] or ""
            assert re.match(r"(?i)\s*(https?|mailto):", address) or ID.fullmatch(address.removeprefix("#"))
        if "id" in attributes:
            assert ID.fullmatch(attributes["id"] or "")
        assert CLASS.fullmatch(attributes.get("class") or "")
    ids = [attributes["id"] for _, attributes in tags.found if "id" in attributes]
    assert len(set(ids)) == len(ids)
    return tags


HOSTILE = [
    pytest.param("<script>alert(1)</script>", id="script"),
    pytest.param('<img src=x onerror="alert(1)">', id="event handler"),
    pytest.param('<b style="position:fixed">x</b>', id="style"),
    pytest.param('<form action="/-/logout" method="post"><button>x', id="form"),
    pytest.param("</div></section></body>", id="tags that close the page's own"),
    pytest.param("<!-- ", id="comment that never ends"),
    pytest.param("[x](javascript:alert(1))", id="javascript link"),
    pytest.param("[x](JaVaScRiPt&colon;alert(1))", id="javascript link with an entity"),
    pytest.param("[x](\tjavascript:alert(1))", id="javascript link after a tab"),
    pytest.param("[x](data:text/html,<script>alert(1)</script>)", id="data link"),
    pytest.param("<javascript:alert(1)>", id="javascript autolink"),
    pytest.param("[x](vbscript:x) [y](file:///etc/passwd)", id="other schemes"),
    pytest.param("[x](/logs/-/logout)", id="link into the server"),
    pytest.param("[x](//evil.example)", id="link without a scheme"),
    pytest.param("![x](https://evil.example/pixel.png)", id="remote image"),
    pytest.param("![x](data:image/png;base64,AAAA)", id="image as data"),
    pytest.param('[x](https://e.example "a\\" onmouseover=alert(1) b")', id="title that breaks out"),
    pytest.param('```"><script>alert(1)</script>\nx\n```', id="language that breaks out"),
    pytest.param("| a |\n|---|\n| <script>x</script> |", id="table cell"),
    pytest.param("a\x00b", id="null byte"),
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_hostile_gets_through(text: str) -> None:
    """Script, handlers, styles, forms, foreign links and images come out as text, or as a link to the web."""
    checked(rendered(text))


@given(st.text(alphabet=st.sampled_from("<>&\"'`*_[]()!#-|\\/:;=~.+ \n\tabhrefjavscipt\u202e\x00$^{}1x")))
@example("[a]: javascript:x\n[a]")
@settings(tried(300), deadline=200)
def test_any_text_becomes_harmless_balanced_elements(text: str) -> None:
    """Any text becomes harmless elements and attributes only, each closed within the message."""
    checked(rendered(text))
    checked(plain(text))


@given(st.lists(st.text(alphabet="abcdefgh", min_size=1, max_size=8), max_size=8), st.text(alphabet="<>[]!`*_-#> \n"))
def test_no_word_is_lost(words: list[str], noise: str) -> None:
    """Every word of a text is still there after rendering, whatever surrounds it."""
    text = noise.join(words)
    shown = re.sub(r"[^a-h]", "", checked(rendered(text)).text)
    label = "".join(a["data-language"] or "" for t, a in Tags(rendered(text)).found if "data-language" in a)
    assert len(shown) + len(re.sub(r"[^a-h]", "", label)) >= len(re.sub(r"[^a-h]", "", text))


KEPT = [
    pytest.param(">" * 3_000 + " deep", "deep", id="3,000 quotes"),
    pytest.param("- " * 3_000 + "deep", "deep", id="3,000 lists"),
    pytest.param("[word]: https://e.example\n", "https://e.example", id="a link's definition"),
    pytest.param("<!-- secret -->", "secret", id="a comment"),
    pytest.param("<details>inside</details>", "<details>", id="raw HTML"),
    pytest.param("x" * (LONGEST + 1), "x" * LONGEST, id="a word longer than a part"),
    pytest.param("[" * 50_000, "[" * LONGEST, id="50,000 brackets"),
    pytest.param("[" * 5_000, "nested too deeply to format", id="why something is not formatted"),
    pytest.param("&#x202e;txt.exe", "⟦U+202E⟧txt.exe", id="an override spelled as an entity"),
]


@pytest.mark.parametrize(("text", "shown"), KEPT)
def test_nothing_is_hidden(text: str, shown: str) -> None:
    """Text that Markdown would drop, or that the parser would give up on, is shown."""
    assert shown in checked(rendered(text)).text


@pytest.mark.parametrize("sign", ["x", "["])
def test_what_is_longer_than_a_part_is_there_to_its_last_sign(sign: str) -> None:
    """A word or brackets without an end are shown in parts, and nothing between or after them is lost."""
    assert checked(rendered(sign * 50_000)).text.count(sign) == 50_000


def test_an_image_becomes_a_link() -> None:
    """An image is never loaded: it becomes a link that says so."""
    tags = checked(rendered("![map](https://e.example/map.png)"))
    assert "img" not in tags.names()
    assert ("a", "https://e.example/map.png") in [(tag, found.get("href")) for tag, found in tags.found]
    assert "not loaded" in tags.text
    assert "not loaded: a `b` x^2 c" in checked(rendered("![a \\`b\\` $x^2$ **c**](https://e.example/map.png)")).text


def test_headings_rank_below_those_of_the_page() -> None:
    """The largest heading of a message is at level three, and none is more than one level below the one before it."""

    def levels(text: str) -> str:
        return " ".join(tag for tag, _ in checked(rendered(text)).found if re.fullmatch("h[1-6]", tag))

    assert levels("# a\n\n## b\n\n###### c\n\n## d\n\n# e") == "h3 h4 h5 h4 h3"
    assert levels("### a\n\n```\ncode\n```\n\n#### b\n\n## c") == "h3 h4 h3"
    assert levels("".join(f"{'#' * level} a\n\n" for level in range(1, 7))) == "h3 h4 h5 h6 h6 h6"


def test_a_head_without_a_word_heads_no_column() -> None:
    """A table's head has header cells, except where nothing is written in them."""
    tags = checked(rendered("| day |  |\n|--|:-:|\n| 14 | low |"))
    assert [tag for tag, _ in tags.found if tag in ("th", "td")] == ["th", "td", "td", "td"]


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("https://e.example/a?b#c", True),
        ("HTTP://e.example", True),
        ("mailto:a@e.example", True),
        ("javascript:alert(1)", False),
        ("/relative", False),
        ("#here", False),
        ("//e.example", False),
        ("data:text/html,x", False),
        ("http", False),
        ("https://[broken", False),
        ("https:/-/logout", False),
        ("https:e.example", False),
    ],
)
def test_links_lead_to_the_web_or_a_mailbox(address: str, safe: bool) -> None:
    """Only http, https and mailto addresses become links."""
    assert is_safe_link(address) is safe


@pytest.mark.parametrize(
    "language", ["python", "js", "sql", "json", "html", "sh", "lisp", "ocaml", "latex", "diff", "unknown"]
)
@given(code=st.text(alphabet=st.sampled_from("abc \"'`#/*-<>&\\\n0123.=()def:;%+@")))
def test_colours_do_not_change_code(language: str, code: str) -> None:
    """Colouring code does not change its text."""
    assert Tags(coloured(code, language)).text == code


def test_code_is_coloured_by_its_language() -> None:
    """Keywords, strings, comments and numbers each have a class."""
    html = coloured('def f():  # why\n    return "x" + 12', "python")
    assert '<span class="hl-k">def</span>' in html
    assert '<span class="hl-c"># why</span>' in html
    assert '<span class="hl-s">&quot;x&quot;</span>' in html
    assert '<span class="hl-n">12</span>' in html
    assert '<span class="hl-p">&quot;a&quot;</span>: <span class="hl-s">&quot;b&quot;</span>' in coloured(
        '{"a": "b"}', "json"
    )
    assert coloured("+a\n-b\n c", "diff") == '<span class="hl-i">+a</span>\n<span class="hl-d">-b</span>\n c'


# -- what models write -----------------------------------------------------------


def test_json_is_a_block_of_code() -> None:
    """A reply that is a JSON object or array is code: nothing in it is Markdown, and its line breaks stay."""
    html = rendered('{\n  "bio": "A *good* dog_with_under_scores"\n}')
    tags = checked(html)
    assert "em" not in tags.names()
    assert tags.text.strip() == '{\n  "bio": "A *good* dog_with_under_scores"\n}'
    assert 'data-language="json"' in html
    assert "data-language" not in rendered("[not json]") + rendered("{a: 1}") + rendered("42")


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
)


@given(st.dictionaries(st.text(max_size=9), JSON))
def test_json_on_one_line_is_indented_without_changing_it(value: dict[str, object]) -> None:
    """JSON of one long line gets a line for each member, and is the same value, with its numbers as they were."""
    text = json.dumps(value)
    shown = as_json(text)
    assert shown is not None
    assert json.loads(shown) == value
    assert as_json(json.dumps({"a": [1, 2], "b" * 90: ["x", []]})) == (
        '{\n  "a": [1, 2],\n  "' + "b" * 90 + '": [\n    "x",\n    []\n  ]\n}'
    )
    assert re.sub(r"\s", "", shown) == re.sub(r"\s", "", text)


FORMULAS_WRITTEN = [
    pytest.param(r"so \( a_1 = 7 \) and", ["mi", "msub"], id="in a line"),
    pytest.param(r"\[ \frac{a}{b} \]", ["mfrac"], id="on its own"),
    pytest.param("\\[\n\\begin{aligned}\na &= b \\\\\n- c &= d\n\\end{aligned}\n\\]", ["mtable"], id="of more lines"),
    pytest.param("- item\n\n  $$\n  + x^2\n  $$\n", ["msup"], id="in a list"),
    pytest.param("$x^2$ and $y$", ["msup"], id="between dollar signs"),
    pytest.param("| a |\n|---|\n| $x^2$ |", ["msup"], id="in a table"),
    pytest.param(r"\begin{align} a &= b \tag{3} \end{align}", ["mtable"], id="an environment"),
    pytest.param(r"\(\lim_{n\to\infty} \mathbf{x} \in \mathbb{R}^n\)", ["msup", "mi"], id="letters of mathematics"),
]


@pytest.mark.parametrize(("text", "elements"), FORMULAS_WRITTEN)
def test_formulas_are_mathml(text: str, elements: list[str]) -> None:
    """LaTeX becomes MathML, wherever it stands and however it is marked; its source stays with it."""
    tags = checked(rendered(text))
    assert {"math", *elements} <= tags.names()
    assert all(attributes["alttext"] and attributes["dir"] == "ltr" for tag, attributes in tags.found if tag == "math")


NO_FORMULAS = [
    pytest.param("It costs $5 and $10, or $5-$10, or 5$ to 10$.", id="prices"),
    pytest.param("$20, or 15$", id="dollars before and after"),
    pytest.param("$5 = 4€ and 3$", id="sums in words"),
    pytest.param("$HOME/bin:$PATH and US$6/AU$7", id="variables"),
    pytest.param("a $ b $ c, $$", id="signs alone"),
    pytest.param("$$ $$", id="nothing between signs"),
]


@pytest.mark.parametrize("text", NO_FORMULAS)
def test_money_is_no_formula(text: str) -> None:
    """Dollar signs of prices and variables stay as they are."""
    tags = checked(rendered(text))
    assert tags.names() == {"div", "p"}
    assert tags.text.strip() == text


SHOWN_AS_CODE = [
    pytest.param(r"\(\foo{x}\)", id="an unknown command"),
    pytest.param(r"\(\frac{a\)", id="a formula that doesn't end"),
    pytest.param(r"\(\def\a{\a\a}\a\)", id="a macro that expands to itself"),
    pytest.param(r"\(\href{javascript:alert(1)}{x}\)", id="a link"),
    pytest.param(r"\(\class{sv-card}{x}\)", id="a class"),
    pytest.param(r"\(\style{position:fixed}{x}\)", id="a style"),
    pytest.param(r"\(\rule{99em}{99em}\)", id="a black box"),
    pytest.param(r"\(\includegraphics{https://e.example/x.png}\)", id="a picture"),
    pytest.param(r"\(" + "{" * 900 + "x" + "}" * 900 + r"\)", id="900 levels"),
]


@pytest.mark.parametrize("text", SHOWN_AS_CODE)
def test_what_cannot_be_shown_as_a_formula_is_code(text: str) -> None:
    """A formula that can't be shown, or should not, is its source in the code font, with every sign of it."""
    tags = checked(rendered(text))
    assert tags.names() == {"div", "p", "code"}
    assert tags.text.strip() == text


def test_a_formula_covers_nothing() -> None:
    """Lengths in a formula have limits: no space of it is wide or negative enough to cover other text."""
    html = rendered(r"\(a \hspace{-50em} b \hspace{9999em} c \kern-9em d \quad e\)")
    checked(html)
    assert re.findall(r'width="([^"]*)"', html) == ["1em"]


COMMANDS = st.sampled_from(
    r"\frac|\sqrt|\hat|{|}|^|_|x|1|\left(|\right)|\begin{matrix}|\end{matrix}|&|\\|\text{<b>}|\mathbf{x}|\alpha|\sum|\over|"
    r"\overset|\binom|[|]|'|\operatorname{f}|\not|\color{red}|\hspace{9em}|\begin{align}|\end{align}|\limits|\big(|\boxed|"
    r"\tag{1}|\substack|\cancel|\phantom|%|~|\quad|<|>|\href{x}|\text{$|$}|\unicode{x202e}|\mathop{x}|\xrightarrow|\raisebox"
    .split("|")
)  # fmt: skip


@given(st.lists(COMMANDS, max_size=40))
@settings(tried(200), deadline=500)
def test_any_formula_becomes_harmless_elements(pieces: list[str]) -> None:
    """Any sequence of commands becomes presentation MathML with listed attributes, or code."""
    checked(rendered(f"\\({' '.join(pieces)}\\) and\n\n$${''.join(pieces)}$$"))


def test_the_formulas_of_a_page_have_a_limit() -> None:
    """When a page has had enough formulas, the rest are code; text is still formatted."""
    page = Formatting(formulas=3)
    tags = checked(rendered("$x$ $y$ $z$ $u$ **bold**", page))
    assert [tag for tag, _ in tags.found if tag in ("math", "code", "strong")] == ["math"] * 3 + ["code", "strong"]


def test_bare_addresses_are_links() -> None:
    """An address in the text is a link, without the punctuation after it; one in code or in a link is not another."""
    text = "See https://e.example/a_b(c), www.e.example. `https://code.example` [https://x.example](https://y.example)"
    tags = checked(rendered(text))
    found = [attributes["href"] for tag, attributes in tags.found if tag == "a"]
    assert found == ["https://e.example/a_b(c)", "https://www.e.example", "https://y.example"]
    assert "a" not in checked(rendered("https:// xhttps://e.example www. wwww.e.example /www.e.example")).names()


@pytest.mark.parametrize(
    "text", ["**注意：**内容", "これは**「重要」**です", "**한국어(강조)**는", "中文**粗体。**后面", "**b**"]
)
def test_emphasis_needs_no_blanks_in_east_asia(text: str) -> None:
    """Words between asterisks are strong next to Chinese, Japanese and Korean punctuation too."""
    tags = checked(rendered(text))
    assert "strong" in tags.names()
    assert "*" not in tags.text


def test_tasks_are_boxes() -> None:
    """Tasks of a list are boxes with a name; other brackets stay."""
    tags = checked(rendered("- [x] done\n- [ ] open\n- [y] no\n\n[x] none"))
    assert [attributes["aria-label"] for _, attributes in tags.found if "aria-label" in attributes] == ["done", "open"]
    assert "[y] no" in tags.text
    assert "[x] none" in tags.text


def test_footnotes_lead_there_and_back() -> None:
    """A reference leads to its footnote and back, on a page that shows the same text twice, too."""
    page = Formatting()
    text = (
        "One[^1], two[^b], again[^1], none[^9].\n\n[^1]: The first,\nwhich goes on.\n[^b]: The *second*.\n\n    More."
    )
    tags = checked(rendered(text, page) + rendered(text, page))
    ids = [attributes["id"] for _, attributes in tags.found if "id" in attributes]
    assert len(set(ids)) == len(ids) == 8
    assert {attributes["href"] for tag, attributes in tags.found if tag == "a"} == {f"#{id_}" for id_ in ids}
    assert "none[^9]" in tags.text
    checked(rendered("a[^1] b[^1]\n\n[^1]: x\n[^1]: y"))
    assert "a" not in checked(rendered("[^1]: That nothing refers to.")).names()
    assert "which goes on" in tags.text
    assert "em" in tags.names()


def test_small_tags_without_attributes_are_kept() -> None:
    """Line breaks, sub- and superscripts, which models write as tags, are shown as such; other tags are text."""
    tags = checked(rendered("H<sub>2</sub>O<br>x<sup>2</sup> <sub onclick=x>y</sub> <b>z</b>"))
    assert {"sub", "sup", "br"} <= tags.names()
    assert "<sub onclick=x>y</sub> <b>z</b>" in tags.text


def test_each_block_has_its_own_direction() -> None:
    """Each block finds its direction by its own words; code and formulas always run from left to right."""
    tags = checked(
        rendered('مرحبا `git commit -m "x"` $x$\n\n- بند\n\nEnglish.\n\n> اقتباس\n\n# عنوان\n\n```\ncode\n```')
    )
    found = [(tag, attributes["dir"]) for tag, attributes in tags.found if "dir" in attributes]
    assert found == [
        ("p", "auto"), ("code", "ltr"), ("math", "ltr"), ("ul", "auto"), ("p", "auto"), ("blockquote", "auto"),
        ("h3", "auto"), ("pre", "ltr"),
    ]  # fmt: skip


# -- long texts ------------------------------------------------------------------

CHAPTER = "## Chapter\n\nSome **bold** words.\n\n- one\n\n- two\n\n  more\n\n1. first\n\n2. second\n\n> quote\n\n"


def test_a_long_reply_is_formatted_to_its_end() -> None:
    """However long a reply is, all of it is formatted, in parts that look as they would in the whole."""
    parts = checked(rendered(CHAPTER * 400))
    one = [tag for tag, _ in checked(rendered(CHAPTER)).found[1:]]
    assert [tag for tag, _ in parts.found[1:]] == one * 400
    assert len([*segments(CHAPTER * 400)]) > 5


def test_a_long_block_of_code_is_a_block() -> None:
    """A fence of any length is one block of code, with everything in it."""
    code = "x = [1, 2, 3]\n" * 20_000
    tags = checked(rendered(f"Here:\n\n````python\n{code}````\nand **that**."))
    assert [tag for tag, _ in tags.found if tag in ("pre", "strong")] == ["pre", "strong"]
    assert code in tags.text


LINES = st.sampled_from(["```", "~~~", "text", "", "- item", "    code", "``` python", "````", "> ```"])


@given(st.lists(LINES, max_size=30))
def test_parts_are_the_whole(lines: list[str]) -> None:
    """The parts of a text have all its lines that are not fences at the margin, in their order."""
    text = "\n".join(lines)
    kept = [line for part in segments(text) for line in part.text.split("\n")]
    assert [line for line in kept if line in ("text", "- item", "    code", "> ```")] == [
        line for line in lines if line in ("text", "- item", "    code", "> ```")
    ]


@pytest.mark.parametrize("long", [CHAPTER * 100, "word " * 20_000, "line\n" * 9_000, "x" * 100_000])
def test_the_rest_of_a_long_text_is_folded(long: str) -> None:
    """A long text shows its beginning; the rest is behind “Show all”, which says how much it is. Nothing is lost."""
    for html in (rendered(long, fold=True), plain(long, fold=True)):
        tags = checked(html)
        begin, _, rest = html.partition("<details")
        assert "Show all: " in rest
        assert len(begin) < 60_000
        assert "".join(tags.text.split()).count("x") >= long.count("x")
    assert "details" not in rendered("short", fold=True) + plain("short", fold=True)
    assert "details" not in rendered(long) + plain(long)


SAID = "The harbour office signs off the foundations, and the city the railing. "


def test_a_long_paragraph_is_folded_after_a_sentence() -> None:
    """One paragraph of 12,000 characters is shown up to the end of a sentence; the rest of it is folded."""
    begin, _, rest = rendered("## Chapter\n\n" + SAID * 170, fold=True).partition("<details")
    assert "Show all: " in rest
    assert begin.endswith("railing.</p>\n")
    assert 3_000 < len(begin) < 7_000
    assert (begin + rest).count("the railing") == 170


@pytest.mark.parametrize(
    "text",
    [
        "**" + SAID * 170 + "**",
        "`" + SAID * 170 + "`",
        "[" + SAID * 170 + "](https://example.org)",
        "- " + SAID * 170,
        "| a |\n| - |\n| " + SAID * 170 + "|",
    ],
)
def test_no_paragraph_is_cut_within_marks(text: str) -> None:
    """A long paragraph that is bold, code, a link, an item or a cell as a whole is left whole."""
    assert "<details" not in rendered(text, fold=True)


@given(st.text(alphabet=st.sampled_from(list("ab. \n*`[]()#|$<>-")), max_size=400))
@example("```")
def test_folding_leaves_no_word_out(words: str) -> None:
    """Whatever is written, a text that is folded has the letters of the same text that isn't. Code isn't folded."""
    text = "\n\n".join([words, SAID * 90, words + SAID * 90, words])
    whole, folded = rendered(text), rendered(text, fold=True)
    assert Counter(checked(whole).text)["y"] <= Counter(checked(folded).text)["y"]
    assert "<details" in folded or "<pre" in whole


def test_a_page_says_that_a_text_is_not_formatted() -> None:
    """When a page has had enough text, the next one is shown as it was written, except its code, and the page knows."""
    page = Formatting(prose=10)
    rendered("A text of more than ten characters", page)
    assert not page.unformatted
    tags = checked(rendered("**bold**\n```\ncode\n```", page))
    assert page.unformatted
    assert "strong" not in tags.names()
    assert "pre" in tags.names()
