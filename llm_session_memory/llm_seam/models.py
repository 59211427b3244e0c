"""Look up in llm what a command needs before it runs: the log, the models and embedding models, and their options."""

from __future__ import annotations

import contextlib
import importlib.util
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import llm

from ..errors import ModelFailed, SessionError
from ..model import POLICIES, Session, Settings
from ..rules.policy import effective, recalls
from ..services.bundle import Services
from ..store import check_file

if TYPE_CHECKING:
    from ..services.nearness import Near, Nearness
    from ..store.index import Scope

RELIED_ON = {
    "llm": """
        UnknownModelError get_async_model get_default_embedding_model get_default_model get_embedding_model get_model
        user_dir
        """,
}
"""The parts of llm that this module relies on (see `shape`)."""

NONE = "none"
"""The setting that makes recall search by words only, even if llm has a default embedding model."""

RECALL_MODEL = "LLM_RECALL_MODEL"
"""The environment variable with the embedding model, or NONE, of sessions that have none of their own."""


def log_path(database: str | None) -> Path:
    """Return the path of the log that a command uses: `-d FILE`, or else llm's own."""
    path = Path(database) if database else llm.user_dir() / "logs.db"
    check_file(path)
    return path


def cache_folder() -> Path:
    """Return the folder for files of ours that can be rebuilt. Only its owner can read it."""
    folder = Path(llm.user_dir()) / "llm-session-memory"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def known_names(database: str | None, beginning: str, *, archived: bool = False) -> list[str]:
    """Return the names of sessions, archived ones or the others, with this prefix, or [] if the log can't be read.

    This runs when Tab is pressed.
    """
    return _known(database, beginning, lambda memory: memory.sessions.names(archived=archived))


def known_projects(database: str | None, beginning: str) -> list[str]:
    """Return the project names with this prefix, or [] if the log can't be read. This runs when Tab is pressed."""
    return _known(database, beginning, lambda memory: memory.projects.names().values())


def known_groups(database: str | None, beginning: str) -> list[str]:
    """Return the names of groups with this prefix, or [] if the log can't be read."""
    return _known(database, beginning, lambda memory: memory.groups.names())


def known_templates(database: str | None, beginning: str) -> list[str]:
    """Return the templates of sessions with this prefix, or [] if the log can't be read."""
    return _known(database, beginning, lambda memory: memory.projects.templates())


def known_jobs(database: str | None, beginning: str) -> list[str]:
    """Return the names of jobs with this prefix, or [] if the log can't be read."""
    return _known(database, beginning, lambda memory: (job.name for job in memory.jobs.list()))


def known_remotes(database: str | None, beginning: str) -> list[str]:
    """Return the names of remotes with this prefix, or [] if the log can't be read."""
    return _known(database, beginning, lambda memory: memory.remotes.names())


def known_snapshots(database: str | None, name: str, beginning: str) -> list[str]:
    """Return the labels of a session's snapshots with this prefix, or [] if the log can't be read."""
    return _known(database, beginning, lambda memory: (point.label for point in memory.snapshots.list(name)))


def known_bookmarks(database: str | None, name: str, beginning: str) -> list[tuple[str, str]]:
    """Return the bookmarked exchanges of a session whose numbers begin so, as text, each with its label."""
    labels: dict[str, str] = {}

    def numbers(memory: Services) -> Iterable[str]:
        bookmarks, numbered = memory.ratings.bookmarks(name), memory.sessions.numbers(name)
        labels.update({str(numbered[id_]): one.label for id_, one in bookmarks.items() if id_ in numbered})
        return sorted(labels, key=int)

    return [(number, labels[number]) for number in _known(database, beginning, numbers)]


def known_sources(database: str | None, beginning: str) -> list[str]:
    """Return the values of --recall-from that continue a beginning, which may have values and commas already."""
    from ..services.sources import choices

    before, comma, last = beginning.rpartition(",")
    last = last.lstrip()
    found = _known(database, last, lambda memory: choices(memory.desk.log, memory.sessions.names(archived=False)))
    return [f"{before}{comma}{one}" for one in found if not comma or one not in ("self", "all")]


def _known(database: str | None, beginning: str, names: Callable[[Services], Iterable[str]]) -> list[str]:
    try:
        with Services.open(log_path(database)) as memory:
            return [name for name in names(memory) if name.casefold().startswith(beginning.casefold())]
    except SessionError:
        return []


def model_of(model_id: str, *, async_: bool = False) -> Any:
    """Return the llm model with the id that a person typed. Try an unknown id as a model of Ollama."""
    get: Callable[[str], Any] = llm.get_async_model if async_ else llm.get_model
    try:
        return get(model_id)
    except llm.UnknownModelError as error:
        if not model_id.startswith("ollama/"):
            with contextlib.suppress(llm.UnknownModelError):
                return get(f"ollama/{model_id}")
        hint = "List models with: llm models"
        if model_id.startswith("ollama/"):
            hint = "Check that the Ollama server is running and llm-ollama is installed. List models with: llm models"
        elif importlib.util.find_spec("llm_ollama"):
            hint = "If it is an Ollama model, check that the Ollama server is running. List models with: llm models"
        raise SessionError(f"Model “{model_id}” not found.", hint) from error
    except OSError as error:
        raise _unlisted(error) from error


def called(name: str | None) -> str | None:
    """Return the id of the model that llm has under an alias, or None if llm has none or if it is the same."""
    with contextlib.suppress(SessionError):
        if name is not None and (found := str(model_of(name).model_id)) != name:
            return found
    return None


def _unlisted(error: OSError) -> SessionError:
    """Return the error if a plugin can't list its models, for example because it can't write its cache."""
    return SessionError(
        f"llm's models can't be listed: {error}.", "An llm plugin needs this file or folder. Make it readable."
    )


def default_model() -> str:
    """Return the id of llm's default model."""
    return str(llm.get_default_model())


class Models:
    """The models that one command needs, each looked up once.

    To find one, llm lists all models, and llm-ollama asks its server. `missing` makes a model that stands in for one
    that is not found, from its id and the error.
    """

    def __init__(self, *, async_: bool, missing: Callable[[str, SessionError], Any] | None = None) -> None:
        self._async = async_
        self._missing = missing
        self._found: dict[str, Any] = {}

    @property
    def are_async(self) -> bool:
        """Whether they are asynchronous."""
        return self._async

    def of(self, model_id: str) -> Any:
        """Return an llm model by its id, or by what a person typed. Raises SessionError if llm has no such model."""
        if model_id not in self._found:
            try:
                model = model_of(model_id, async_=self._async)
            except SessionError as error:
                if self._missing is None:
                    raise
                model = self._missing(model_id, error)
            self._found |= {model_id: model, model.model_id: model}
        return self._found[model_id]


def embedding_model_of(model_id: str) -> Any:
    """Return the embedding model with the id that a person typed. Raises SessionError if llm has no such model."""
    try:
        return llm.get_embedding_model(model_id)
    except llm.UnknownModelError as error:
        from .embedder import ALIAS, EXTRA, ID

        hint = "List embedding models with: llm embed-models"
        if model_id in (ID, ALIAS):
            hint = f"Install it with: llm install '{EXTRA}'"
        raise SessionError(f"Embedding model “{model_id}” not found.", hint) from error
    except OSError as error:
        raise _unlisted(error) from error


def session_model(session: Session, asked: Settings | None = None) -> Any:
    """Return the model object of a session, or of the model given instead."""
    settings = effective(session.settings, asked or Settings())
    return model_of(settings.model or llm.get_default_model())


def valid_options(model: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Return options with the types that the model expects. Raises SessionError if an option or a value is invalid."""
    import pydantic

    if model is None:
        return options
    try:
        return _set(model.Options(**options))
    except pydantic.ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise SessionError(
            f"{model.model_id} does not accept these options: {wrong}.",
            f"See: llm models list --options -m {model.model_id}",
        ) from error


def options_of(model: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a prompt in a form that can be stored: those that are set, by their plain values."""
    known = set(getattr(model.Options, "model_fields", {}))
    given = dict(parameters.get("options") or {}) | {name: parameters[name] for name in known & set(parameters)}
    return _set(model.Options(**given))


def _set(options: Any) -> dict[str, Any]:
    """Return the options that are set, by their plain values.

    pydantic is asked only if there are any. Once asked, it keeps much of what llm loaded until the process ends, and
    Python's last search for garbage then takes 15 ms longer.
    """
    if not options.model_extra and all(value is None for value in vars(options).values()):
        return {}
    return dict(options.model_dump(mode="json", exclude_none=True))


def found(said: Settings) -> Settings:
    """Return settings with the ids of the models for recall and summaries. Raises SessionError if llm lacks one."""
    recall, summary = said.recall_model, said.summary_model
    return replace(
        said,
        recall_model=recall if recall in (None, NONE) else embedding_model_of(recall).model_id,
        summary_model=summary and model_of(summary).model_id,
    )


# -- nearness in meaning -----------------------------------------------


class Embedding:
    """Search by meaning with an embedding model, which is looked up at the first search.

    Without `model_id` it is the one of the extra `meaning`. If that is not installed either, nothing is near.
    """

    def __init__(self, memory: Services, model_id: str | None, *, fragments: bool = True) -> None:
        """Take the model's id. Without `fragments`, texts that went with prompts are not embedded."""
        self.memory = memory
        self.model_id = model_id
        self.fragments = fragments

    def near(self, scopes: Sequence[Scope], prompt: str) -> Mapping[int, float]:
        """Return the passages nearest to a prompt. Raises ModelFailed for any failure."""
        try:
            return self._nearness.near(scopes, prompt) if self._nearness else {}
        except SessionError:
            raise
        except Exception as error:  # a model's plugin may fail in any way
            raise ModelFailed(str(error) or type(error).__name__) from error

    def catch_up(self, thread_id: str) -> None:
        """Embed a session's missing passages for about a second. The next prompt reports any failure.

        A model that this prompt did not need is loaded only if there is a batch to embed.
        """
        with contextlib.suppress(Exception):
            if self._nearness:
                self._nearness.catch_up(thread_id, patient=getattr(self._model, "is_idle", False))

    def embed(self, thread_id: str) -> Iterator[tuple[int, int]]:
        """Embed all passages of a session that have no vector yet. Yield how many have been embedded, and their number.

        Yields before the first batch and after each. What was yielded is in the log to stay. Raises ModelFailed.
        """
        if self._nearness is None:
            return
        waiting = self._nearness.waiting(thread_id)
        done = 0
        yield done, len(waiting)
        try:
            for count in self._nearness.add(waiting):
                done += count
                yield done, len(waiting)
        except SessionError:
            raise
        except Exception as error:  # a model's plugin may fail in any way
            raise ModelFailed(str(error) or type(error).__name__) from error

    @property
    def found(self) -> str | None:
        """The id of the model, or None if it is the one of the extra `meaning` and that is not installed."""
        return self._nearness.vectors.model if self._nearness else None

    @cached_property
    def _model(self) -> Any:
        return _bundled() if self.model_id is None else embedding_model_of(self.model_id)

    @cached_property
    def _nearness(self) -> Nearness | None:
        model = self._model
        if model is None:
            return None
        from ..services.nearness import Nearness

        def embed(texts: Sequence[str]) -> list[list[float]]:
            return list(model.embed_multi(texts))

        return Nearness(self.memory.desk, model.model_id, embed, fragments=self.fragments)


def _bundled() -> Any:
    """Return the embedding model of the extra `meaning`, or None if that is not installed.

    It is not looked up in llm, because llm then asks all plugins for their models, and llm-ollama its server.
    """
    from .embedder import available, model

    return model() if available() else None


def embedding_of(memory: Services, settings: Settings) -> Embedding | None:
    """Return the embedding model of a session; or None if it has none or does not recall."""
    if not recalls(settings.memory or POLICIES[0]):
        return None
    model_id = settings.recall_model or os.environ.get(RECALL_MODEL) or llm.get_default_embedding_model()
    fragments = settings.recall_fragments is not False
    return Embedding(memory, model_id, fragments=fragments) if model_id != NONE else None


def near_of(memory: Services, session: Session, asked: Settings) -> Near | None:
    """Return the search by meaning that a session's next prompt would use."""
    embedding = embedding_of(memory, effective(session.settings, asked))
    return embedding.near if embedding else None
