"""Files of prompts, one a line: JSONL, CSV, TSV or plain text, recognised by its ending or by looking into it."""

from __future__ import annotations

import csv
import json
import shutil
import stat
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any, Literal, get_args

from ..errors import SessionError
from ..model.batch import PromptLine
from ..rules.prompt_lines import line_of
from ..rules.safe_text import one_line, storable
from .csv_rows import column_names, encoding_of, rows
from .lines import LONGEST, FileRefused, objects

Form = Literal["jsonl", "csv", "text"]
FORMS: tuple[str, ...] = get_args(Form)

_ENDINGS: dict[str, Form] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "text",
}

_HEAD = 65_536
"""How many bytes of a file are looked at to recognise it."""

_NOT_SENT = "Nothing was sent."
_MOST = 5
"""How many wrong lines are named."""

Check = Callable[[PromptLine], None]
"""Looks at a line before anything is sent. Raises SessionError, without the line's number, if it is wrong."""


@contextmanager
def prompt_file(
    path: str | Path | IO[bytes], form: Form | None = None, name: str | None = None
) -> Iterator[PromptFile]:
    """Give a file of prompts. A stream is copied first, because its beginning is looked at: standard input, or a pipe.

    Raises SessionError if it can't be read.
    """
    if isinstance(path, str | Path):
        name = name or one_line(Path(path).name, 80)
        if not _is_pipe(Path(path)):
            yield PromptFile(Path(path), name, form)
            return
        source: AbstractContextManager[IO[bytes]] = _opened(Path(path))
    else:
        source = nullcontext(path)
    with tempfile.TemporaryDirectory(prefix="llm-batch-") as folder, source as stream:
        copy = Path(folder) / "prompts"
        with copy.open("wb") as file:
            shutil.copyfileobj(stream, file)
        yield PromptFile(copy, name or "standard input", form)


def _is_pipe(path: Path) -> bool:
    """Return whether a file can be read only once, as what `<(...)` in a shell stands for."""
    try:
        return stat.S_ISFIFO(path.stat().st_mode)
    except OSError:
        return False


def _opened(path: Path) -> IO[bytes]:
    """Open a file of prompts. Raises SessionError."""
    try:
        return path.open("rb")
    except OSError as error:
        what = f"{path} can't be read: {error.strerror or error}."
        raise SessionError(what, "Give the name of a file, or - for standard input.", _NOT_SENT) from error


class PromptFile:
    """A file with a prompt in each line. `name` is what sentences call it."""

    def __init__(self, path: Path, name: str, form: Form | None = None) -> None:
        self.path = path
        self.name = name
        self._form = form
        with _opened(self.path) as stream:
            self._head = stream.read(_HEAD)

    def form(self, used: Collection[str] = ()) -> Form:
        """Return the file's format. `used` has the variables of the template, by which columns are recognised."""
        return self._form or _ENDINGS.get(self.path.suffix.lower()) or self._looked_at(used)

    def lines(self, used: Collection[str] = (), check: Check | None = None) -> Iterator[PromptLine]:
        """Yield the lines that are not empty. `check` is called with each; see `line_of` for `used`.

        Raises SessionError with the numbers of the first wrong lines, when the whole file was read.
        """
        wrong: list[str] = []
        count = 0

        def refuse(sentence: str) -> None:
            nonlocal count
            count += 1
            if len(wrong) < _MOST:
                wrong.append(sentence)

        for number, fields in self._records(used, refuse):
            try:
                line = line_of(number, fields, used)
                if check is not None:
                    check(line)
            except SessionError as error:
                refuse(f"Line {number:,} of {self.name}: {error.message.rstrip('.')}.")
                continue
            if not count:
                yield line
        if count:
            more = count - len(wrong)
            told = f" {more:,} more {'line is' if more == 1 else 'lines are'} wrong." if more else ""
            raise SessionError(" ".join(wrong) + told, "Correct the file, then try again.", _NOT_SENT)

    def _records(self, used: Collection[str], refuse: Callable[[str], None]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield the number and the fields of each line. Raises SessionError for what can't be read on."""
        form = self.form(used)
        try:
            if form == "csv":
                yield from rows(_opened(self.path), self._head, self.name)
            elif form == "jsonl":
                with _opened(self.path) as stream:
                    yield from objects(stream, self.name, lambda error: refuse(error.message))
            else:
                yield from self._texts(refuse)
        except FileRefused as error:
            raise SessionError(error.message, error.hint, _NOT_SENT) from error

    def _texts(self, refuse: Callable[[str], None]) -> Iterator[tuple[int, dict[str, Any]]]:
        encoding = encoding_of(self._head)
        if encoding == "utf-16":
            hint = "Save the file as UTF-8, for example with: iconv -f UTF-16 -t UTF-8 FILE"
            raise SessionError(f"{self.name} is UTF-16 text, not UTF-8.", hint, _NOT_SENT)
        with _opened(self.path) as stream:
            number = 0
            while line := stream.readline(LONGEST + 1):
                number += 1
                if len(line) > LONGEST:
                    message = f"Line {number:,} of {self.name} is longer than {LONGEST // 1_000_000} MB."
                    raise SessionError(message, "Is it a file of prompts?", _NOT_SENT)
                try:
                    text = line.decode("utf-8").strip().removeprefix("\ufeff")
                except UnicodeDecodeError as error:
                    refuse(f"Line {number:,} of {self.name} is not UTF-8 text (byte {error.start + 1:,} of the line).")
                    continue
                if text:
                    yield number, {"prompt": storable(text)}

    def _looked_at(self, used: Collection[str]) -> Form:
        """Return the format by what the file begins with."""
        first = next((line for line in self._head.removeprefix(b"\xef\xbb\xbf").splitlines() if line.strip()), b"")
        if first.lstrip().startswith(b"{") and (len(first) >= _HEAD // 2 or _is_object(first)):
            return "jsonl"
        if first.lstrip().startswith(b"[") and self.path.suffix.lower() == ".json":
            return "jsonl"  # says what to do about it
        try:
            columns = column_names(self._head)
        except csv.Error:
            return "text"
        named = {name.strip().lower() for name in columns}
        known = "prompt" in named or (len(columns) > 1 and not set(columns).isdisjoint(used))
        return "csv" if known else "text"


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
