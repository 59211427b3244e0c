"""`llm sessions demo`: a short conversation through the real commands, and a bundled model in case there is no other.

The bundled model answers only from what it was sent, so its replies show what a session sends.
It is offered to llm only while the demo runs (or if you set its environment variable).
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import click
import llm

from ..rules.fences import CLOSING, OPENING
from ..rules.passages import STOP_WORDS
from ..rules.stems import stem
from ..services.windows import is_ollama
from .demo_json import json_of
from .output import CLOSED

OFFERED = "LLM_SESSIONS_DEMO"
"""The environment variable that offers the bundled model to llm."""

MODEL = "session-demo"

_TALK = (
    "We build a bridge in Lisbon; the deadline is 4 May.",
    "The harbour office signs off the foundations.",
    "Which paint lasts longest in salt air? Think of a footbridge, one coat every few years, and no scaffolding.",
    (
        "How many people should stand at the opening? The band has nine members, there will be three speeches, and "
        "whoever worked on the piers should be asked as well, with family. The mayor wants chairs for all of them."
    ),
    (
        "Could the railing be of oak, or is larch the better wood for a place with so much rain? It has to bear a "
        "crowd that leans on it, and children who climb. The carpenters have oak lying in their yard."
    ),
    (
        "Who could play at the opening, if the band is on tour that week? Somebody knows a choir, somebody else a "
        "fiddler, and the ferry crew has an accordion that nobody dares to touch."
    ),
    (
        "The lamps could stand on the railing or hang from wires between two masts. Masts sway in the wind and cast "
        "moving shadows, but lamps on a railing blind whoever looks at the river. Which of the two is the lesser evil?"
    ),
    "What is the deadline of the bridge?",
)


class DemoModel(llm.Model):
    """A model that answers a question with the line, of those it was sent, whose words fit it best."""

    model_id = MODEL
    can_stream = True
    supports_schema = True

    def execute(self, prompt: llm.Prompt, stream: bool, response: Any, conversation: Any) -> Iterator[str]:  # noqa: FBT001  llm's signature
        """Yield the answer."""
        del stream, conversation
        yield _reply(prompt, response)


class AsyncDemoModel(llm.AsyncModel):
    """The same, asynchronous."""

    model_id = MODEL
    can_stream = True
    supports_schema = True

    async def execute(  # type: ignore[override]  # a generator, as llm's own models are
        self,
        prompt: llm.Prompt,
        stream: bool,  # noqa: FBT001  llm's signature
        response: Any,
        conversation: Any,
    ) -> AsyncIterator[str]:
        """Yield the answer."""
        del stream, conversation
        yield _reply(prompt, response)


def _reply(prompt: llm.Prompt, response: Any) -> str:
    """Return the answer, and set the token counts of the request and the answer."""
    texts = [
        (message.role, "".join(getattr(part, "text", "") for part in message.parts)) for message in prompt.messages
    ]
    lines = [line for role, text in texts if role == "user" for line in text.splitlines() if line]
    *earlier, asked = [_LABEL.sub("", line) for line in lines if not _is_ours(line)] or [""]
    if isinstance(prompt.schema, dict):
        answer = json.dumps(json_of(prompt.schema, [*earlier, asked]), ensure_ascii=False)
    else:
        answer = _answer(asked, [line for line in earlier if not line.rstrip().endswith("?")])
    response.set_usage(input=sum(_count(text) + 4 for _, text in texts), output=_count(answer))
    return answer


_LABEL = re.compile(r"^\[(?:[^\[\]]+ )?#\d+ user [\d-]+\] ")
"""The text before a recalled excerpt of something that the person said."""

_OTHERS_LABEL = re.compile(r"^\[(?:[^\[\]]+ )?#\d+ (?!user )\w+ [\d-]+\] ")
"""The text before any other excerpt."""


def _is_ours(line: str) -> bool:
    """Return whether a line of a prompt is a mark around excerpts, or something that the person did not say."""
    return line in _MARKS or _OTHERS_LABEL.match(line) is not None


_MARKS = (*OPENING.splitlines(), CLOSING)


def _count(text: str) -> int:
    return len(re.findall(r"\w+|[^\w\s]", text))


def _answer(asked: str, earlier: list[str]) -> str:
    """Return the line that shares the most words with a question, a word that few lines have counting for more.

    One word in common may be chance, unless it is a long one that only this line has.
    """
    if not asked.rstrip().endswith("?"):
        return "Noted."
    words = _words(asked)
    shared = [(words & _words(text), text) for text in earlier]
    common = Counter(word for each, _ in shared for word in each)
    best, text = max(shared, default=(set(), ""), key=lambda pair: sum(1 / common[word] for word in pair[0]))
    if len(best) < 2 and not any(common[word] == 1 and len(word) > 4 for word in best):  # noqa: PLR2004
        return "Nothing that I was sent answers that."
    return f"You told me: “{text}”"


def _words(text: str) -> set[str]:
    """Return the stems of a text's words, except short and common ones."""
    found = {word for word in re.findall(r"\w{4,}", text.lower()) if word not in STOP_WORDS}
    return {stem(word) for word in found}


def run(database: str | None) -> None:
    """Run the demo's commands, and print each command with its output."""
    folder = Path(tempfile.mkdtemp(prefix="llm-sessions-demo-"))
    environment = {**os.environ, "LLM_USER_PATH": str(folder), OFFERED: "1"}
    for name in ("LLM_SESSION", "LLM_PROJECT"):
        environment.pop(name, None)
    log = ["-d", database] if database else []
    model = next((model.model_id for model in llm.get_models() if is_ollama(model)), None)
    click.echo(
        f"Running a session in its own folder, {folder}, with {model or 'a bundled model that needs no server'}."
    )
    options = ["-o", "num_predict", "120"] if model else []
    budget = "400" if model else "300"
    for number, text in enumerate(_TALK):
        first = ["-m", model or MODEL, *options, "--max-context-tokens", budget] if number == 0 else []
        _show([*first, "--session", "bridge", *log, text], environment)
    for command in (
        ["context", "bridge", "Who signs off the foundations?"],
        ["note", "bridge", "Answer in one sentence."],
        ["search", "harbour office"],
        ["show", "bridge", "-n", "1"],
        ["list"],
    ):
        _show(["sessions", *command, *log], environment)
    click.echo("\nTo continue this conversation:")
    offered = "" if model else f"{OFFERED}=1 "
    where = f" -d {shlex.quote(database)}" if database else ""
    click.echo(f'  {offered}LLM_USER_PATH={folder} llm --session bridge{where} "Who signs off the foundations?"')
    click.echo("To start one of your own:")
    click.echo('  llm -m MODEL --session NAME "..."')


def _show(arguments: list[str], environment: dict[str, str]) -> None:
    """Print a command and run it. Raises ClickException if it fails, SystemExit if nobody reads its output."""
    click.secho(f"\n$ llm {shlex.join(arguments)}", bold=True)
    sys.stdout.flush()
    done = subprocess.run(  # noqa: S603  our own command line
        [sys.executable, "-m", "llm", *arguments], env=environment, stdin=subprocess.DEVNULL, check=False
    )
    if done.returncode == CLOSED:
        raise SystemExit(CLOSED)
    if done.returncode:
        raise click.ClickException(f"The demo stopped: that command exited with code {done.returncode}.")
