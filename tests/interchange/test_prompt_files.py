"""The rules of files of prompts: how they are recognised and read, and how wrong lines are named."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path

import pytest

from llm_session_memory.errors import SessionError
from llm_session_memory.interchange.prompt_files import PromptFile, prompt_file
from llm_session_memory.model.batch import PromptLine


def _lines(path: Path, content: str | bytes, **more: object) -> list[PromptLine]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return [*PromptFile(path, path.name).lines(**more)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "content", "form"),
    [
        ("a.jsonl", "Hello", "jsonl"),
        ("a.csv", "Hello", "csv"),
        ("a.tsv", "Hello", "csv"),
        ("a.txt", '{"prompt": "x"}', "text"),
        ("a", '\n {"prompt": "x"}\n', "jsonl"),
        ("a", "\ufeffid;prompt\n1;x", "csv"),
        ("a", "word,language\nsea,Dutch", "csv"),
        ("a", "prompt\nHello", "csv"),
        ("a", "Translate, please: sea\nHello", "text"),
        ("a", "word\nsea", "text"),
        ("a", "{not json", "text"),
        ("a", "", "text"),
    ],
)
def test_a_format_is_recognised(tmp_path: Path, name: str, content: str, form: str) -> None:
    """The ending says the format; without one, the first line does."""
    (tmp_path / name).write_text(content)
    assert PromptFile(tmp_path / name, name).form({"word"}) == form


def test_all_formats_say_the_same(tmp_path: Path) -> None:
    """The same prompts are read from each format, with the numbers of their lines; empty lines are left out."""
    jsonl = _lines(tmp_path / "a.jsonl", '{"prompt": "One", "n": "1"}\n\n{"prompt": "Two", "n": "2"}')
    assert jsonl == [PromptLine(1, "One", values={"n": "1"}), PromptLine(3, "Two", values={"n": "2"})]
    table = _lines(tmp_path / "a.csv", "prompt,n\nOne,1\n\nTwo,2")
    assert [(one.prompt, one.values) for one in table] == [(one.prompt, one.values) for one in jsonl]
    assert [one.number for one in table] == [2, 4]
    assert _lines(tmp_path / "a.tsv", "prompt\tn\r\nOne\t1\r\n".encode("utf-16")) == [table[0]]
    assert _lines(tmp_path / "a.txt", "\ufeffOne\r\n\n  Two\n") == [PromptLine(1, "One"), PromptLine(3, "Two")]


def test_wrong_lines_are_named_together(tmp_path: Path) -> None:
    """All lines are read before anything is said; the first five wrong ones are named, and the others counted."""
    good = '{"prompt": "x"}\n'

    def check(line: PromptLine) -> None:
        if line.id:
            raise SessionError(f"its id is {line.id}", "A hint that belongs to one line.")

    wrong = "".join(f'{{"prompt": "x", "id": "{n}"}}\n' for n in range(5))
    with pytest.raises(SessionError) as error:
        _lines(tmp_path / "a.jsonl", good + '{"prompt": 1}\n{"prompt": "x\n' + wrong + good, check=check)
    assert error.value.message == (
        "Line 2 of a.jsonl: “prompt” must be a text, not 1. "
        "Line 3 of a.jsonl is not JSON (Unterminated string starting at: line 1 column 12 (char 11))."
        " Was the file cut off there? "
        "Line 4 of a.jsonl: its id is 0. Line 5 of a.jsonl: its id is 1. Line 6 of a.jsonl: its id is 2."
        " 2 more lines are wrong."
    )
    assert (error.value.hint, error.value.outcome) == ("Correct the file, then try again.", "Nothing was sent.")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", b"prompt,n\nx,1,2", "Line 2 of a.csv has 3 cells, but the first line names 2 columns. Correct the"),
        (
            "a.csv",
            b"n,n\n1,2",
            "Line 1 of a.csv names the column “n” twice. Correct the file, then try",
        ),
        ("a.csv", b'prompt\n"x', "Line 2 of a.csv is not CSV: unexpected end of data."),
        ("a.csv", b"prompt\n\xff", "a.csv is not UTF-8 text, at or after line 1. Save it as “CSV UTF-8”, then try"),
        ("a.txt", b"good\n\xff\n", "Line 2 of a.txt is not UTF-8 text (byte 1 of the line)."),
        ("a.txt", "x".encode("utf-16"), "a.txt is UTF-16 text, not UTF-8."),
        ("a.jsonl", b"plain", "Line 1 of a.jsonl is not a JSON object: it starts with “plain”."),
        (
            "a.json",
            b'[{"prompt": "x"}]',
            "Nothing was sent. Convert it to JSONL, one JSON object per line, with: jq -c '.[]' FILE",
        ),
    ],
)
def test_what_can_not_be_read_is_a_sentence(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    """The sentence has the line, and says that nothing was sent; it speaks of no import."""
    with pytest.raises(SessionError) as error:
        _lines(tmp_path / name, content)
    assert sentence in str(error.value)
    assert "import" not in str(error.value)


def test_a_stream_can_be_read_twice() -> None:
    """Standard input is copied, because its beginning is looked at before it is read."""
    with prompt_file(io.BytesIO(b"One\nTwo")) as file:
        assert [*file.lines()] == [*file.lines()] == [PromptLine(1, "One"), PromptLine(2, "Two")]
        assert file.name == "standard input"


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    """A missing file or a folder is an error that names it."""
    with pytest.raises(SessionError, match="can't be read: No such file or directory"), prompt_file(tmp_path / "no"):
        pass
    with pytest.raises(SessionError, match="can't be read: Is a directory"), prompt_file(tmp_path):
        pass


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with a name")
def test_a_pipe_is_read_once_and_completely(tmp_path: Path) -> None:
    """A pipe, as `<(...)` in a shell makes one, gives all of its lines, though its beginning is looked at first."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_text("One?\nTwo?\n"))
    writer.start()
    with prompt_file(pipe) as file:
        assert [line.prompt for line in file.lines()] == ["One?", "Two?"]
    writer.join()
