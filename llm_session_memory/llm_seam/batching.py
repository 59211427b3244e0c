"""Turn the lines of a file of prompts into items of a job; `batch_runner` asks them.

Everything that a command and its templates say is put together here when the job is made: an item has its whole prompt
and system prompt, so a resumed job doesn't depend on a template that was changed meanwhile. Fragments and attachments
are looked up when the item is asked.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any

import click
from llm import Template
from llm import cli as llm_cli
from llm import utils as llm_utils

from ..errors import SessionError
from ..model import Session, Settings
from ..model.batch import PromptLine
from ..model.frozen import dataclass
from ..model.jobs import Item, Job
from ..rules.patterns import as_text, filled, names_in
from ..services.bundle import Services
from ..store.file_at import file_at, is_there
from .models import Models, default_model, valid_options
from .tables import migrated
from .templates import loaded

RELIED_ON = {
    "cli": "FragmentNotFound LoadTemplateError _apply_template get_model_options load_template resolve_fragments",
    "parameters of cli._apply_template": "template prompt params system",
    "utils": "resolve_schema_input",
    "parameters of utils.resolve_schema_input": "db schema_input load_template",
    "llm.Template": "MissingVariables interpolate vars",
}
"""The parts of llm that this module relies on (see `shape`)."""


@dataclass(frozen=True)
class Wishes:
    """What a command says about all lines of a file.

    `pattern` makes a prompt of a line's columns, `templates` are the names of llm's templates, `params` values for
    their variables. `schema` is as llm's --schema takes it. `is_async`: ask llm's asynchronous models.
    """

    model: str | None = None
    system: str | None = None
    pattern: str | None = None
    templates: tuple[str, ...] = ()
    params: tuple[tuple[str, str], ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    schema: str | None = None
    fragments: tuple[str, ...] = ()
    system_fragments: tuple[str, ...] = ()
    is_async: bool = False


class Batch:
    """The prompts of one job: what its lines and its command say together."""

    def __init__(self, services: Services, wishes: Wishes, session: Session | None = None) -> None:
        """Look up the models and templates. `session` is the one that the answers go to, if it exists.

        Raises SessionError if something is unknown or invalid.
        """
        self._services = services
        self._wishes = wishes
        self._templates = [loaded(name) for name in wishes.templates]
        self._unknown: dict[str, SessionError] = {}
        self._options: dict[tuple[str, str], dict[str, Any]] = {}
        self._lines_of_ids: dict[bytes, int] = {}
        of_template = next((str(one.model) for one in self._templates if one.model), None)
        of_session = session.settings.model if session else None
        self._models, self.model = _models(wishes.model or of_template or of_session or default_model(), wishes)
        given = self._given_options()
        self.options = self._valid(self.model, given)
        self._typed = given
        schemas = [one.schema_object for one in self._templates if one.schema_object]
        self.schema = schemas[-1] if schemas else self._schema(wishes.schema, "The") if wishes.schema else None
        if self.schema and not self.model_of(self.model).supports_schema:
            raise SessionError(
                f"Model “{self.model}” does not support schemas.", "Choose another model.", "Nothing was sent."
            )
        self.system = wishes.system or self._system_of_templates()
        for one in self._templates:
            if one.functions:
                what = f"Template “{one.name}” has Python functions, which a batch doesn't run."
                raise SessionError(what, "Instead, list tools of plugins under `tools` in the template.")

    def model_of(self, model_id: str) -> Any:
        """Return llm's model, looked up once. Raises SessionError if llm has none of this id."""
        if model_id in self._unknown:
            raise self._unknown[model_id]
        try:
            return self._models.of(model_id)
        except SessionError as error:
            self._unknown[model_id] = error
            raise

    @cached_property
    def used(self) -> frozenset[str]:
        """The names of the variables that the pattern and the templates use."""
        names = set(names_in(self._wishes.pattern or ""))
        for one in self._templates:
            names |= set(one.vars())
        return frozenset(names - {"input"} - {name for name, _ in self._wishes.params})

    @property
    def settings(self) -> dict[str, Any]:
        """What holds for all items, as it is kept with the job."""
        fragments = [*self._of_templates("fragments"), *self._wishes.fragments]
        system_fragments = [*self._of_templates("system_fragments"), *self._wishes.system_fragments]
        attachments = self._of_templates("attachments")
        attachments += [one.value for one in self._of_templates("attachment_types")]
        found = {
            "model": self.model,
            "system": self.system,
            "options": self.options,
            "schema": self.schema,
            "templates": list(self._wishes.templates),
            "fragments": [_settled(one) for one in fragments],
            "system_fragments": [_settled(one) for one in system_fragments],
            "attachments": [_settled(one) for one in attachments],
            "tools": self._of_templates("tools"),
            "async": self._models.are_async,
        }
        return {name: value for name, value in found.items() if value}

    def check(self, line: PromptLine) -> None:
        """Raise SessionError, without the line's number, if a line can't be asked."""
        self.item(line)
        if line.id is not None:
            digest = hashlib.blake2b(line.id.encode("utf-8"), digest_size=8).digest()
            before = self._lines_of_ids.setdefault(digest, line.number)
            if before != line.number:
                raise SessionError(f"its id “{line.id}” is also that of line {before:,}")
        for path in line.attachments:
            if "://" not in path and not file_at(path):
                raise SessionError(f"its attachment “{path}” does not exist")
        for name in line.fragments:
            if not (_is_remote(name) or file_at(name)):
                self._fragment(name)

    def items(self, lines: Iterable[PromptLine]) -> Iterator[Item]:
        """Yield an item for each line. Lines that ask the same and have no id are told apart by their number."""
        seen: Counter[bytes] = Counter()
        for position, line in enumerate(lines, 1):
            item = self.item(line, position)
            same = bytes.fromhex(item.key[:16])
            seen[same] += line.id is None
            yield self.item(line, position, seen[same]) if seen[same] > 1 else item

    def item(self, line: PromptLine, position: int = 1, copy: int = 1) -> Item:
        """Return the item of a line. `copy` counts lines that ask the same. Raises SessionError without a number."""
        model = self.model if line.model is None else str(self.model_of(line.model).model_id)
        prompt, system = self._texts(line)
        asked: dict[str, Any] = {"prompt": prompt, "line": line.number}
        options = self.options
        if line.options or model != self.model:
            options = self._valid(model, {**self._typed, **line.options})
        found = {
            "system": system if system != self.system else None,
            "options": options if options != self.options else None,
            "schema": self._schema(line.schema) if line.schema else None,
            "attachments": [_settled(one) for one in line.attachments],
            "fragments": [_settled(one) for one in line.fragments],
            "values": dict(line.values),
        }
        asked |= {name: value for name, value in found.items() if value}
        self._check_model(model, asked)
        key = key_of(asked, model, options, line.id, copy)
        return Item("", position, key, asked, id=line.id, model=model)

    # -- texts ---------------------------------------------------------

    def _texts(self, line: PromptLine) -> tuple[str, str | None]:
        """Return the prompt and the system prompt of a line, as llm's own prompt command makes them with templates."""
        prompt = line.prompt
        if self._wishes.pattern is not None:
            values = {**dict(self._wishes.params), **line.values, "prompt": line.prompt or ""}
            try:
                prompt = filled(self._wishes.pattern, values)
            except KeyError as error:
                missing = f"it has no “{error.args[0]}”, which --prompt asks for"
                raise SessionError(f"{missing}; it has {_named(line)}" if line.values else missing) from error
        system = line.system or self._wishes.system
        for template in self._templates:
            params = dict(self._wishes.params) | {name: as_text(value) for name, value in line.values.items()}
            if "prompt" in template.vars() and "prompt" not in params and line.prompt is not None:
                params["prompt"] = line.prompt
            try:
                prompt, system = llm_cli._apply_template(template, prompt, params, system)  # noqa: SLF001
            except (click.ClickException, ValueError) as error:
                message = error.message if isinstance(error, click.ClickException) else str(error)
                raise SessionError(f"template “{template.name}”: {message[:1].lower()}{message[1:]}") from error
        if not (prompt or line.attachments or line.fragments):
            if line.values:
                raise SessionError(f"it has no “prompt”; --prompt can make one of {_named(line)}")
            raise SessionError("it has no “prompt”")
        return prompt or "", system

    def _system_of_templates(self) -> str | None:
        """Return the system prompt of the templates if it is the same for all lines."""
        first = next((one.system for one in self._templates if one.system), None)
        try:
            return Template.interpolate(first, dict(self._wishes.params))
        except Template.MissingVariables:
            return None

    # -- options and schemas -------------------------------------------

    def _given_options(self) -> dict[str, Any]:
        """Return the options of the command and of its templates; if several have the same option, the first counts."""
        found: dict[str, Any] = dict(self._wishes.options)
        for one in self._templates:
            found = {**(one.options or {}), **found}
        return found

    def _valid(self, model: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return options for a model, with the person's defaults for it. Raises SessionError."""
        known = (model, json.dumps(given, sort_keys=True, default=str))
        if known not in self._options:
            if len(self._options) > _REMEMBERED:
                self._options.clear()
            made = valid_options(self._models.of(model), dict(given)) if given else {}
            self._options[known] = {**llm_cli.get_model_options(model), **made}
        return self._options[known]

    def _schema(self, given: Any, whose: str = "its") -> Any:
        """Return a schema as an object. Raises SessionError if it is invalid."""
        if isinstance(given, dict):
            return given
        try:
            return llm_utils.resolve_schema_input(self._services.desk.log.database, given, llm_cli.load_template)
        except (click.ClickException, click.BadParameter, llm_cli.LoadTemplateError, OSError) as error:
            message = error.message if isinstance(error, click.ClickException) else str(error)
            hint = "A schema is a JSON object, a file, or a text such as: name, age int"
            raise SessionError(f"{whose} schema can't be used: {message.rstrip('.')}.", hint) from error

    def _check_model(self, model_id: str, asked: Mapping[str, Any]) -> None:
        """Raise SessionError if a model can't take what goes with a prompt."""
        model = self.model_of(model_id)
        if (self.schema or asked.get("schema")) and not model.supports_schema:
            raise SessionError(f"model “{model_id}” does not support schemas")
        if asked.get("attachments") and not model.attachment_types:
            raise SessionError(f"model “{model_id}” does not take attachments")

    def _fragment(self, name: str) -> None:
        try:
            llm_cli.resolve_fragments(self._services.desk.log.database, [name])
        except llm_cli.FragmentNotFound as error:
            raise SessionError(f"its fragment “{name}” was not found") from error

    def _of_templates(self, field: str) -> list[Any]:
        return [one for template in self._templates for one in getattr(template, field) or ()]


def begin(
    services: Services, settings: Mapping[str, Any], items: Iterable[Item], stem: str, *, max_cost: float | None
) -> Job:
    """Keep a job and make the session of its answers, all or nothing, and return the job.

    Args:
        services: The log.
        settings: What holds for all items. `as` is the name of the session of all answers, which is made if it doesn't
            exist; `each` gives each answer a session of its own. Without both, a new session is called as the job is.
        items: The items; one at a time is held in memory.
        stem: What the job's name begins with: `prompts` makes `prompts-2026-11-28-1`.
        max_cost: The most that it may cost, in US dollars, or None.

    Raises:
        NameRefused: The name of the session breaks the rules.
        SessionError: An item is wrong.
    """
    migrated(services.desk.log)
    services.desk.prepare()
    with services.writing():
        wanted = settings.get("as")
        name = services.jobs.free_name(stem, services.sessions.names())
        session = services.sessions.find(wanted) if wanted else None
        if session is None and not settings.get("each"):
            kept = Settings(model=settings.get("model"), system=settings.get("system"))
            session = services.sessions.create(wanted or name, settings=kept)
        thread_id = session.thread_id if session else None
        job = services.jobs.new("batch", name, settings, thread_id=thread_id, max_cost=max_cost)
        return services.jobs.add(job, items)


def _named(line: PromptLine) -> str:
    """Return the names of the first variables of a line."""
    known = [f"“{name}”" for name in line.values]
    return ", ".join([*known[:_MOST_NAMED], *(["…"] if len(known) > _MOST_NAMED else [])])


_MOST_NAMED = 6

_REMEMBERED = 1000
"""How many different sets of options are remembered as valid."""


def _models(model_id: str, wishes: Wishes) -> tuple[Models, str]:
    """Return where models are looked up, and the id of the batch's own. A model may exist only as async."""
    found = Models(async_=wishes.is_async)
    try:
        return found, str(found.of(model_id).model_id)
    except SessionError:
        others = Models(async_=True)
        with suppress(SessionError):
            return others, str(others.of(model_id).model_id)
        raise


def key_of(asked: Mapping[str, Any], model: str, options: Mapping[str, Any], id_: str | None, copy: int = 1) -> str:
    """Return the key of an item: a hash of its prompt and all that goes with it, its model, its options and its id."""
    without_line = {name: value for name, value in asked.items() if name not in ("line", "options")}
    whole = [without_line, model, dict(options), id_, *([copy] if copy > 1 else [])]
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _settled(place: str) -> str:
    """Return the place of a fragment or an attachment so that it can be found from another folder too."""
    path = None if _is_remote(place) else file_at(place)
    return str(path.resolve()) if path else place


def _is_remote(place: str) -> bool:
    """Return whether a fragment or an attachment is on the web, or comes from a plugin."""
    return "://" in place or (":" in place and not is_there(place))
