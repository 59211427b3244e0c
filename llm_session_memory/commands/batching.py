"""`llm sessions batch`: ask every line of a file."""

from __future__ import annotations

import functools
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import SessionError
from ..llm_seam.models import log_path
from ..llm_seam.shape import check
from ..memory import Memory
from ..rules.money import exact
from ..rules.words import counted
from .common import F, complete, echo, progress_line, session_command
from .job_options import Limiting, limit_options
from .selecting import dry_run_option

if TYPE_CHECKING:
    from ..interchange.prompt_files import Form, PromptFile
    from ..llm_seam.batching import Batch, Wishes
    from ..model.jobs import Job
    from ..services.estimating import Estimate
    from ..services.spooled_items import SpooledItems

_EVERY = 1000
"""How many lines between updates of the progress line while a file is checked."""


_THOUSAND = 1000


class _PromptsPath(click.Path):
    """The path of a file, or - for standard input."""

    def __init__(self) -> None:
        super().__init__(exists=True, dir_okay=False, allow_dash=True)


def _wishes_options(function: F) -> F:
    """Give a command the options that say what is asked. It gets them as one argument, `wishes`."""

    @functools.wraps(function)
    def gathered(*args: Any, **parameters: Any) -> Any:
        from ..llm_seam.batching import Wishes

        names = (
            *("model", "system", "pattern", "templates", "params", "options", "schema"),
            *("fragments", "system_fragments", "is_async"),
        )
        return function(*args, wishes=Wishes(**{name: parameters.pop(name) for name in names}), **parameters)

    pairs: dict[str, Any] = {"nargs": 2, "multiple": True, "metavar": "KEY VALUE"}
    options: tuple[Callable[[Any], Any], ...] = (
        click.option("-m", "--model", metavar="MODEL", help="Model to ask [the template's, or llm's default]"),
        click.option("-s", "--system", metavar="TEXT", help="System prompt"),
        click.option(
            *("-t", "--template", "templates"),
            multiple=True,
            metavar="NAME",
            help="llm template; its variables are the columns of FILE (repeat to combine several)",
        ),
        click.option("-p", "--param", "params", **pairs, help="Value of a template's variable, for all lines"),
        click.option(
            "--prompt",
            "pattern",
            metavar="PATTERN",
            help="Build the prompt from columns: 'Translate {word} into {language}'",
        ),
        click.option("--option", "options", **pairs, help="Model option, such as temperature 0"),
        click.option("--schema", metavar="SCHEMA", help="Schema that all answers follow, as for llm --schema"),
        click.option(
            *("-f", "--fragment", "fragments"), multiple=True, metavar="NAME", help="Fragment to send with each prompt"
        ),
        click.option(
            *("--sf", "--system-fragment", "system_fragments"),
            multiple=True,
            metavar="NAME",
            help="Fragment to add to the system prompt",
        ),
        click.option("--async", "is_async", is_flag=True, help="Ask the asynchronous version of the model"),
    )
    decorated: Any = gathered
    for option in reversed(options):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


@session_command("batch", short_help="Ask every line of a file: JSONL, CSV or plain text")
@click.argument("file", type=_PromptsPath())
@_wishes_options
@click.option("--as", "name", metavar="NAME", shell_complete=complete, help="Session for the answers [a new one]")
@click.option("--session-each", is_flag=True, help="Put each answer into a session of its own")
@limit_options
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    metavar="FILE",
    help="Write the answers to this .jsonl or .csv file (- prints them as JSONL)",
)
@click.option("--force", is_flag=True, help="Replace the file of answers if it already exists")
@click.option(
    "--on",
    metavar="REMOTE",
    help="Let workers on other machines send the prompts; REMOTE is a remote or a postgresql:// address",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv", "text"]),
    help="Format of FILE [by its ending, or its first line]",
)
@dry_run_option("Only check FILE, and print what would be sent and roughly what it would cost")
def batch_command(
    file: str,
    wishes: Wishes,
    name: str | None,
    session_each: bool,
    limiting: Limiting,
    output: Path | None,
    force: bool,
    on: str | None,
    form: Form | None,
    dry_run: bool,
    database: str | None,
) -> None:
    """Send every line of FILE to a model (- for standard input): JSONL, CSV with named columns, or one prompt a line.

    Each prompt is sent alone, without the ones before it, and each answer is logged. If the command is interrupted,
    `llm sessions job resume` continues it. A line may have its own model, system, options, attachments, fragments,
    schema and id. If any line is wrong, nothing is sent.

    \b
        llm sessions batch questions.txt -m llama3 -o answers.jsonl
        llm sessions batch words.csv --prompt 'Translate {word} into {language}' -o words-done.csv
        llm sessions batch prompts.jsonl -m gpt-4o-mini -j 8 --max-cost 5 --dry-run
        llm sessions batch prompts.jsonl -m llama3 --on postgresql://ada@db.example/llm
    """
    if name is not None and session_each:
        raise click.UsageError("Give --as NAME or --session-each, not both.")
    if on is not None and output is not None:
        raise click.UsageError(
            "With --on, a pull fetches the answers. Write them to a file after that: llm sessions job show JOB -o FILE"
        )
    if on is not None and limiting.jobs is not None:
        raise click.UsageError("With --on, each worker has its own -j.")
    check("batch")
    from ..interchange.prompt_files import prompt_file
    from ..llm_seam.batching import Batch, begin
    from ..services.spooled_items import SpooledItems
    from .elsewhere import begin_on
    from .working import STANDARD_OUTPUT, work_on

    into = None if output is None else _checked(output, file, force=force)
    source = sys.stdin.buffer if file == "-" else file
    with prompt_file(source, form) as prompts, _log(database, dry_run=dry_run) as memory, SpooledItems() as items:
        batch = Batch(memory, wishes, memory.sessions.find(name) if name is not None else None)
        estimate = _estimate(memory, batch, prompts, items)
        if dry_run:
            _print(memory, estimate, limiting)
            return
        settings = {**batch.settings, **limiting.settings, "file": prompts.name}
        settings |= {"as": name} if name else {"each": True} if session_each else {}
        if on is not None:
            begin_on(memory, on, settings, items, _stem(file), limiting.max_cost)
            return
        if output is not None:
            place = str(output) if str(output) == STANDARD_OUTPUT else str(output.resolve())
            settings |= {"output": place, "output_form": into}
        job = begin(memory, settings, items, _stem(file), max_cost=limiting.max_cost)
        _say_begun(memory, job)
    work_on(database, job.id)


def _checked(output: Path, file: str, *, force: bool) -> str:
    """Return the format of a file of answers. Raises SessionError if it can't be written."""
    from ..interchange.answer_files import form_of
    from ..interchange.whole_file import check_file
    from .working import STANDARD_OUTPUT

    if str(output) == STANDARD_OUTPUT:
        return "jsonl"
    form = form_of(output)
    if file != "-" and output.resolve() == Path(file).resolve():
        raise SessionError(f"{output} is the file of prompts.", "Choose another file for the answers.")
    check_file(output, force=force)
    if not output.resolve().parent.is_dir():
        raise SessionError(
            f"{output} can't be written: there is no folder {output.parent}.", "Create the folder first."
        )
    return form


@contextmanager
def _log(database: str | None, *, dry_run: bool) -> Iterator[Memory]:
    """Open the log. A dry run makes none: it uses a temporary one if there is none yet."""
    path = log_path(database)
    if not dry_run or path.exists():
        with Memory(path, create=not dry_run, typed=database) as memory:
            yield memory
        return
    with tempfile.TemporaryDirectory(prefix="llm-batch-") as folder:
        memory = Memory(Path(folder) / "logs.db", create=True, typed=database)
        with memory:
            memory.desk.prepare()
            yield memory


def _estimate(memory: Memory, batch: Batch, prompts: PromptFile, items: SpooledItems) -> Estimate:
    """Check all lines of a file, write their items down, and return what they will take.

    Raises SessionError if a line is wrong, or if there is none.
    """
    from ..services.estimating import Estimate

    estimate = Estimate(memory, batch.model_of, batch.settings)
    with progress_line("line", every=_EVERY, patience=1) as line:
        for item in batch.items(prompts.lines(batch.used, batch.check)):
            estimate.add(item)
            items.add(item)
            line.show(items.count)
    if not items.count:
        raise SessionError(
            f"{prompts.name} has no prompts.",
            "Each line is a prompt; a CSV's first line names its columns.",
            "Nothing was sent.",
        )
    return estimate


def _stem(file: str) -> str:
    return "batch" if file == "-" else Path(file).stem


def _say_begun(memory: Memory, job: Job) -> None:
    total = sum(job.counts.values())
    session = memory.sessions.of_thread(job.thread_id) if job.thread_id else None
    where = f"session “{session.name}”" if session else "a session for each"
    echo(f"Job “{job.name}”: {counted(total, 'prompt')}, answers in {where}.", err=True)


def _print(memory: Memory, estimate: Estimate, limiting: Limiting) -> None:
    """Print what would be sent, and about what it would cost."""
    total, complete = 0.0, True
    for model, amount in estimate.amounts.items():
        alone, whole = estimate.dollars(model, replies=False), estimate.dollars(model, replies=True)
        said = f"{counted(amount.prompts, 'prompt')} for {model}: about {round(amount.tokens):,} tokens"
        if alone is None or whole is None:
            complete = False
            echo(f"{said}. {_unpriced(memory, model)}")
        elif amount.replies is None:
            total, complete = total + alone, False
            of_reply = memory.costs.of_call(model, 0, _THOUSAND) or 0.0
            echo(
                f"{said}, {exact(alone)}. Replies are not counted, because the log has none of this model yet:"
                f" 1,000 tokens of them cost {exact(of_reply)}."
            )
        else:
            total += whole
            replies = f"replies of about {amount.replies:,} tokens, if they are of the usual length"
            echo(f"{said}, and {replies}: {exact(whole)}.")
    if total and (len(estimate.amounts) > 1 or limiting.max_cost is not None):
        echo(f"In all {'about' if complete else 'at least'} {exact(total)}.")
    if limiting.max_cost is not None and total > limiting.max_cost:
        echo(f"The job would stop at {exact(limiting.max_cost)}, before it has asked all prompts.")
    echo("Dry run: nothing was sent.", err=True)


def _unpriced(memory: Memory, model: str) -> str:
    """Return why a model has no price."""
    unknown = memory.costs.unknown(model)
    return f"{unknown[:1].upper()}{unknown[1:].rstrip('.')}." if unknown else "It runs on your own machine."
