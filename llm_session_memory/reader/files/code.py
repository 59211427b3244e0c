"""Colour code in one pass of one regular expression that never backtracks. Pure.

This is not a parser: it knows comments, strings, numbers and keywords of the languages that models write most. A
library knows hundreds of languages, but hostile text can hang it: of Pygments' lexers, those for Python, JavaScript,
TypeScript, C, C++, Java and YAML each need more than six seconds for some texts of 50,000 characters, such as lines of
one blank, or `a.a.a.`. This is always linear.
"""

from __future__ import annotations

import re
from functools import cache
from html import escape

_C_LIKE = """
    abstract async await auto bool boolean break case catch char class const continue debugger default defer delete do
    double else enum export extends extern false final finally float fn for from func function go goto if impl
    implements import in inline instanceof int interface let long loop match mod module move mut namespace new nil null
    nullptr of package private protected pub public return self short signed sizeof static string struct super switch
    template this throw trait true try type typedef typeof undefined union unsafe unsigned use using var virtual void
    volatile where while yield
"""
_PYTHON = """
    False None True and as assert async await break case class continue def del elif else except finally for from global
    if import in is lambda match nonlocal not or pass raise return self try while with yield
"""
_SHELL = """
    alias case cd do done echo elif else esac eval exec exit export fi for function if in local read return set shift
    source then trap unset until while
"""
_SQL = """
    add all alter and as asc begin between by case cast check collate column commit constraint create cross default
    delete desc distinct drop else end except exists explain filter foreign from full group having in index inner insert
    intersect into is join key left like limit materialized not null offset on or order outer over partition pragma
    primary recursive references returning right rollback select set table temp then trigger union unique update using
    values view virtual when where window with
"""
_RUBY_LUA = (
    "begin class def do else elsif end ensure false for function if in local module nil not or then true unless until"
)

_LISP = """
    and case catch cond def defclass define defmacro defmethod defn defun defvar do else fn if lambda let letrec loop
    nil not ns or progn quote recur require set setq throw true try unless when
"""
_ML = """
    and as begin case class data deriving do done downto else end exception external false forall fun function functor
    if import in infix infixl infixr instance let match module mutable newtype object of open qualified rec sig struct
    then to true try type val when where while with
"""

_STRINGS = r"\"(?:[^\"\\\n]|\\.)*\"?|'(?:[^'\\\n]|\\.)*'?"
_TRIPLE = r"\"\"\"(?:[^\"]|\"(?!\"\"))*(?:\"\"\")?|'''(?:[^']|'(?!''))*(?:''')?"
_BLOCK = r"/\*(?:[^*]|\*(?!/))*(?:\*/)?"

_FAMILIES: dict[str, tuple[str, str, str, bool]] = {
    "c": (_C_LIKE, rf"//[^\n]*|{_BLOCK}", rf"{_STRINGS}|`(?:[^`\\]|\\.)*`?", False),
    "python": (_PYTHON + _RUBY_LUA, r"\#[^\n]*", rf"{_TRIPLE}|{_STRINGS}", False),
    "shell": (_SHELL, r"(?<![^\s;|&(])\#[^\n]*", _STRINGS, False),
    "sql": (_SQL, rf"--[^\n]*|{_BLOCK}", r"'[^']*'?|\"[^\"]*\"?", True),
    "lisp": (_LISP, r";[^\n]*", r"\"(?:[^\"\\]|\\.)*\"?", False),
    "ml": (_ML, r"--[^\n]*|\(\*(?:[^*]|\*(?!\)))*(?:\*\))?", r"\"(?:[^\"\\\n]|\\.)*\"?", False),
    "percent": (
        "begin end documentclass usepackage newcommand function return if else for while",
        r"%[^\n]*",
        r"(?!)",
        False,
    ),
    "data": ("true false null yes no on off", r"\#[^\n]*|//[^\n]*", _STRINGS, False),
    "markup": ("", r"<!--(?:[^-]|-(?!->))*(?:-->)?", r"\"[^\"<>]*\"?", False),
}
"""Keywords, comments, strings, and whether keywords ignore case."""

_LANGUAGES = {
    **dict.fromkeys(
        "c c++ cpp h cs csharp java javascript js jsx ts tsx typescript go golang rust rs kotlin swift php scala dart "
        "zig css scss objective-c".split(),
        "c",
    ),
    **dict.fromkeys("python py python3 pycon ruby rb lua elixir perl julia gdscript nim".split(), "python"),
    **dict.fromkeys(
        "sh bash shell zsh fish console shell-session powershell dockerfile makefile make nginx hcl "
        "terraform r".split(),
        "shell",
    ),
    **dict.fromkeys("sql sqlite postgresql postgres mysql plsql".split(), "sql"),
    **dict.fromkeys("json jsonc json5 yaml yml toml ini properties".split(), "data"),
    **dict.fromkeys("lisp clojure clj scheme racket elisp emacs-lisp common-lisp".split(), "lisp"),
    **dict.fromkeys("haskell hs ocaml ml fsharp elm purescript reason".split(), "ml"),
    **dict.fromkeys("latex tex matlab octave erlang".split(), "percent"),
    **dict.fromkeys("html xml svg xhtml vue svelte".split(), "markup"),
}

LONGEST = 50_000
"""The characters of a block that are coloured: from the beginning, the rest is as it was written."""


def coloured(code: str, language: str) -> str:
    """Return code as escaped HTML, coloured if the language is known."""
    if language.lower() in ("diff", "patch"):
        return "\n".join(map(_difference, code.split("\n")))
    family = _LANGUAGES.get(language.lower())
    if family is None:
        return escape(code)
    pieces: list[str] = []
    place = 0
    for match in _scanner(family).finditer(code, 0, LONGEST):
        pieces.append(escape(code[place : match.start()]))
        pieces.append(_piece(match))
        place = match.end()
    pieces.append(escape(code[place:]))
    return "".join(pieces)


def _difference(line: str) -> str:
    """Return a line of a patch: added, removed, or neither."""
    kind = {"+": "i", "-": "d", "@": "c"}.get(line[:1])
    return f'<span class="hl-{kind}">{escape(line)}</span>' if kind else escape(line)


@cache
def _scanner(family: str) -> re.Pattern[str]:
    keywords, comments, strings, any_case = _FAMILIES[family]
    words = "|".join(sorted(set(keywords.split()), key=len, reverse=True)) or "(?!)"
    keys = r"(?P<p>\"(?:[^\"\\\n]|\\.)*\"(?= {0,4}:))|" if family == "data" else ""
    flags = re.IGNORECASE if any_case else 0
    return re.compile(
        rf"(?P<c>{comments})|{keys}(?P<s>{strings})|(?P<n>\b\d[\w.]*)|\b(?P<k>(?:{words}))\b|(?P<_>\b[^\W\d]\w*)",
        flags,
    )


def _piece(match: re.Match[str]) -> str:
    text = escape(match.group())
    return text if match.lastgroup == "_" else f'<span class="hl-{match.lastgroup}">{text}</span>'
