"""The parts of README.md and docs/ that are generated: output of the real program, and references read from its code.

The pages call these functions in cog blocks, where this module is `generate`. `python -m docs.generate` rewrites the
pages (`make docs`), `--check` compares (`make docs-check`). Nothing here is needed to use the program.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
from click.testing import CliRunner

from llm_session_memory.rules.workflows.editor_schema import editor_schema

ROOT = Path(__file__).resolve().parent.parent
WORKFLOW_SCHEMA = ROOT / "examples" / "workflow.schema.json"
PAGES = (ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")))

OURS_ON_LLM = (
    *("session", "new_session", "fork_at", "max_context_tokens"),
    *("project", "memory", "recall_share", "recall_model", "summary_model", "think"),
    *("recall_fragments", "global_notes", "recall_from", "guard", "over_budget"),
)

_NORMALISED = (
    (re.compile(r"/\S*?llm-sessions-demo-\w+"), "/tmp/llm-sessions-demo"),
    (re.compile(r"\b20\d\d-\d\d-\d\d \d\d:\d\d\b"), "2026-05-01 09:30"),
    (re.compile(r"(?<= tokens) · \d+\.\d s$", re.MULTILINE), ""),
    (re.compile(r"\b01[0-9a-hjkmnp-tv-z]{24}\b"), "01kqhw8m3v6z6e5tbrnv25536d"),
)
"""What differs from run to run, and what stands for it in the pages: folder, times, durations (if any), ids."""


def normalised(text: str) -> str:
    """Return a program's output with fixed ids, times and folders, and without blanks at the ends of lines."""
    for pattern, instead in _NORMALISED:
        text = pattern.sub(instead, text)
    return "\n".join(line.rstrip() for line in text.splitlines())


def environment(home: Path) -> dict[str, str]:
    """Return an environment in which llm has nothing of whoever runs this: no settings, no server, no keys."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LLM_", "OLLAMA_"))}
    return kept | {
        "LLM_USER_PATH": str(home),
        "LLM_SESSIONS_DEMO": "1",
        "LLM_RECALL_MODEL": "none",  # the same with and without the extra `meaning`
        "OLLAMA_HOST": "http://127.0.0.1:9",  # nobody listens there
        "COLUMNS": "80",
        "NO_PROXY": "127.0.0.1,localhost",
        "PYTHONWARNINGS": "ignore",
        "TMPDIR": str(home),
        "TZ": "UTC",
    }


def run(line: str, home: Path, *, fails: bool = False) -> str:
    """Run one line of shell, `llm` being this environment's, and return all that it prints, as on a terminal.

    Raises RuntimeError if the line fails, or, if it is meant to fail, succeeds.
    """
    here = {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        env=environment(home) | here,
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if bool(done.returncode) is not fails:
        raise RuntimeError(f"{line}: exit code {done.returncode}\n{done.stdout}")
    return normalised(done.stdout).strip("\n")


def show(text: str, language: str) -> None:
    """Print a fenced block; cog puts what is printed into the page."""
    print(f"\n```{language}\n{text}\n```\n")


@cache
def _demo() -> str:
    """Return what `llm sessions demo` prints if no Ollama server answers."""
    with tempfile.TemporaryDirectory() as folder:
        return run("llm sessions demo", Path(folder))


def demo() -> None:
    """Print the whole demo."""
    show(_demo(), "console")


def _of_the_demo(*commands: str) -> str:
    """Return the parts of the demo whose commands contain these texts, with a mark where others are left out."""
    parts = [f"$ {part}".rstrip() for part in _demo().partition("\nTo go on")[0].split("\n$ ")[1:]]
    places = [next(number for number, part in enumerate(parts) if text in part.splitlines()[0]) for text in commands]
    shown = []
    for before, place in zip([-1, *places], places, strict=False):
        shown += ["# ..."] if place > before + 1 else []
        shown += [parts[place]]
    return "\n\n".join(shown)


def short_demo() -> None:
    """Print the beginning of the demo, and what comes back of it at its end."""
    show(
        _of_the_demo("--max-context-tokens 300", "signs off the", "What is the deadline", "sessions context"), "console"
    )


def context_of_the_demo() -> None:
    """Print the dry run of the demo."""
    show(_of_the_demo("sessions context").removeprefix("# ...\n\n"), "console")


# -- references ----------------------------------------------------------------


def commands() -> Iterator[tuple[str, click.Command]]:
    """Yield all commands of `llm sessions`, each with its full name."""
    from llm_session_memory.commands import sessions

    with click.Context(sessions, info_name="sessions") as ctx:
        for name in sessions.list_commands(ctx):
            command = sessions.get_command(ctx, name)
            assert command is not None
            yield from _with_those_below(f"llm sessions {name}", command)


def _with_those_below(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """Yield a command and, if it is a group, the commands in it; the one whose options its help has stands for it."""
    from llm_session_memory.commands.grouped import Grouped

    below = dict(command.commands) if isinstance(command, click.Group) else {}
    yield name, below.pop(command.default_cmd_name) if isinstance(command, Grouped) else command
    for word, one in below.items():
        yield f"{name} {word}", one


def options(command: str) -> list[click.Option]:
    """Return the options that we add to one of llm's own commands."""
    from llm.cli import cli

    found = [param for param in cli.commands[command].params if param.name in OURS_ON_LLM]
    return [param for param in found if isinstance(param, click.Option)]


def option_table() -> None:
    """Print the options that we add to `llm prompt` and `llm chat`."""
    print("\n| option | what it does |\n| --- | --- |")
    with click.Context(click.Command("prompt")) as ctx:
        for option in options("prompt"):
            usage, text = (cell.replace("|", r"\|") for cell in option.get_help_record(ctx) or ("", ""))
            print(f"| `{usage}` | {text} |")
    print()


def compare_options() -> None:
    """Print the options of `llm compare` that `llm prompt` doesn't have, and those that it has with another meaning."""
    from llm_session_memory.commands.several import OWN_OPTIONS, compare_command

    print("\n| option | what it does |\n| --- | --- |")
    with click.Context(click.Command("compare")) as ctx:
        for option in compare_command().params[:OWN_OPTIONS]:
            usage, text = (cell.replace("|", r"\|") for cell in option.get_help_record(ctx) or ("", ""))
            print(f"| `{usage}` | {text} |")
    print()


def command_reference() -> None:
    """Print the help of every command of `llm sessions`."""
    from llm.cli import cli

    for name, _ in commands():
        asked = [*shlex.split(name)[1:], "--help"]
        done = CliRunner().invoke(cli, asked, prog_name="llm", terminal_width=80)
        assert done.exit_code == 0, done.output
        print(f"\n### {name}")
        show(done.output.strip(), "text")


def schema() -> None:
    """Print the definitions of our tables, as a log has them."""
    files = sorted((ROOT / "llm_session_memory" / "store" / "sql").glob("[0-9]*.sql"))
    show("\n".join(path.read_text("utf-8").strip().replace(" if not exists", "") for path in files), "sql")


def invariants() -> None:
    """Print the rules that rows of our tables keep, and what `check --fix` does about rows that break one."""
    from llm_session_memory.store.invariants import INVARIANTS

    print("\n| table | column | rule | rows that break it |\n| --- | --- | --- | --- |")
    for one in INVARIANTS:
        does = "the index is rebuilt" if one.mend == "index" else one.does or "stay"
        table = one.table.removesuffix("_docsize")  # where FTS5 keeps the rows of an index without texts
        print(f"| `{table}` | `{one.column}` | {one.rule} | {does}{' and do no harm' if one.harmless else ''} |")
    print()


def query_catalogue() -> None:
    """Print the canned queries by topic: name, title, definition, parameters."""
    from llm_session_memory.insight.catalogue import by_topic

    for topic, queries in by_topic().items():
        print(f"\n### {topic}\n\n| query | what it shows | parameters |\n| --- | --- | --- |")
        for query in queries:
            parameters = ", ".join(f"`{name}`" for name, _ in query.parameters)
            told = f"{query.title}: {query.means}".replace("|", r"\|")
            print(f"| `{query.short_name}` | {told} | {parameters} |")
    print()


def workflow_fields(table: str) -> None:
    """Print the fields of a workflow's file: those of TOP, STEP or INPUT."""
    from llm_session_memory.rules.workflows import fields

    print("\n| field | takes | what it means |\n| --- | --- | --- |")
    for name, field in getattr(fields, table).items():
        takes = ", ".join(f"`{one}`" for one in field.choices) or _TAKES.get(field.takes, f"a {field.takes}")
        print(f"| `{name}` | {takes} | {_cell(field.means)} |")
    print()


_TAKES = {
    "texts": "a text, or a list of texts",
    "templates": "a template, or a list of templates",
    "templates by name": "templates by name",
    "options": "values by name",
    "expression": "an expression",
    "list or expression": "a list, or an expression",
    "count": "a number",
    "seconds": "a number",
    "inputs": "inputs by name",
    "steps": "steps by name",
    "any": "any value",
}
"""How the docs say what a field of a workflow takes, where it isn't the word itself."""


def workflow_graph(name: str) -> None:
    """Print the graph of an example."""
    from llm.cli import cli

    done = CliRunner().invoke(cli, ["sessions", "run", str(ROOT / "examples" / f"{name}.yaml"), "--show"])
    assert done.exit_code == 0, done.output
    show(f"$ llm sessions run examples/{name}.yaml --show\n{done.output.strip()}", "console")


def import_columns() -> None:
    """Print the names by which an import knows the columns of a table."""
    from llm_session_memory.interchange.foreign.columns import WORDS

    print("\n| what | names of the column |\n| --- | --- |")
    for what, words in _COLUMNS.items():
        print(f"| {what} | {', '.join(f'`{one}`' for one in WORDS[words].split())} |")
    print()


_COLUMNS = {
    "the session": "session",
    "its title": "title",
    "who speaks (user, assistant, system, tool)": "role",
    "what is said": "content",
    "a prompt": "prompt",
    "its reply": "reply",
    "the system prompt": "system",
    "the thinking": "thinking",
    "the model": "model",
    "the time, ISO or seconds since 1970": "at",
    "an id": "id",
    "the order": "order",
    "the tokens of the request": "input_tokens",
    "the tokens of the reply": "output_tokens",
    "milliseconds": "duration_ms",
    "the cost": "cost",
    "a thumb: up, down, 1, -1": "rating",
    "tool calls, as JSON": "tool_calls",
    "the call that a result is of": "tool_call_id",
    "the tool that a result is of": "tool_name",
    "tags": "tags",
    "the project": "project",
    "facts, as a JSON object": "metadata",
}
"""What the columns of a table have, and what the import calls that."""


def example_error() -> None:
    """Print a command that fails, and what it says."""
    line = 'llm -m llama3 --session work "When is the deadline?"'
    with tempfile.TemporaryDirectory() as folder:
        show(f"$ {line}\n{run(line, Path(folder), fails=True)}", "console")


def error_list() -> None:
    """Print every error sentence of the code, by kind, with its cause and what to do."""
    from docs import errors

    found = errors.sentences()
    for kind in errors.KINDS:
        print(f"\n### {kind.title}\n\n{kind.cause}\n\n{kind.cure}\n")
        these = [(_cell(one.message), _cell(one.hint)) for one in found if one.kind is kind]
        if any(hint for _, hint in these):
            print("| message | what to do |\n| --- | --- |")
            print("\n".join(f"| {message} | {hint} |" for message, hint in these))
        else:
            print("\n".join(f"- {message}" for message, _ in these))
    print()


def _cell(text: str) -> str:
    """Return plain text as the cell of a table, with nothing in it that Markdown reads as markup."""
    return re.sub(r"([\\`*_{}\[\]<>|#~$])", r"\\\1", text)


def main() -> int:
    """Rewrite all generated parts, or with --check compare them: cog's in the pages, and the schema of workflows."""
    from cogapp import Cog

    how = ["--check", "--diff"] if "--check" in sys.argv[1:] else ["-r"]
    results: list[int] = [
        Cog().main(["cog", "-P", "-p", "from docs import generate", *how, str(page)]) for page in PAGES
    ]
    return max(*results, workflow_schema(write="--check" not in sys.argv[1:]))


def workflow_schema(*, write: bool) -> int:
    """Write the JSON schema of workflows beside the examples, or say whether the file is up to date: 0, otherwise 1."""
    schema = f"{json.dumps(editor_schema(), indent=2)}\n"
    if write:
        WORKFLOW_SCHEMA.write_text(schema, "utf-8")
    if WORKFLOW_SCHEMA.read_text("utf-8") == schema:
        return 0
    print(f"{WORKFLOW_SCHEMA} is out of date.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
