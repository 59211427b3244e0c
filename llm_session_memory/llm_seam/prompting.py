"""Turn the prompt that llm passes in into the request that is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

import llm
from llm import models

from ..errors import SessionError
from ..model import POLICIES, Attempt, Context, Message, Session, Settings, Window
from ..model.frozen import replace
from ..rules import tokens
from ..rules.blank import is_blank
from ..rules.policy import effective, summarises
from ..rules.request import system_messages
from ..rules.safe_text import mended, storable, without_halves
from ..services.bundle import Services
from ..services.seen_session import Request
from ..services.windows import sends_reasoning
from ..store import history
from . import attempts, convert
from .asked import Asked
from .creating import Wanted, created
from .models import embedding_of, options_of
from .prompted import Prompted, Say
from .shape import check

if TYPE_CHECKING:
    from .guarding import Guard

_TEXTS = ("system", "fragments", "system_fragments")

RELIED_ON = {
    "llm": "Fragment",
    "models": "AsyncConversation _combine_system",
    "an instance of models.Conversation": "id model responses",
    "an instance of models.AsyncConversation": "id model responses",
}
"""The parts of llm that this module relies on (see `shape`)."""


class Prompting:
    """Chooses what one command, or one conversation of a program, sends in a session.

    `place` is the session, or the one to create; `said` the settings given for all prompts of this command. `recording`
    is False under -n; for `by_itself` see Prompted. `tools` has the tool parameters given to the command.
    `insist`: a prompt is sent even if it seems not to fit; `over_budget`: even if it would cost more than it may.
    `history`: what is sent before a prompt: what the session's policy chooses, none of it, or exactly these messages.
    Without `keeps`, a prompt that fails leaves nothing in the log. `also` is called with the responses, in the
    transaction that logs them.
    """

    def __init__(  # noqa: PLR0913  what a command line says, each on its own
        self,
        services: Services,
        place: Session | Wanted,
        said: Settings,
        say: Say,
        *,
        recording: bool = True,
        by_itself: bool = False,
        tools: Mapping[str, Any] | None = None,
        retrying: Attempt | None = None,
        insist: bool = False,
        over_budget: bool = False,
        history: Literal["session", "none"] | tuple[Message, ...] = "session",
        keeps: bool = True,
        also: Callable[[Sequence[Any]], None] | None = None,
    ) -> None:
        self.services = services
        self.place = place
        self.said = said
        self.say = say
        self.recording = recording
        self.by_itself = by_itself
        self.tools = tools or {}
        self.retrying = retrying
        self.insist = insist
        self.over_budget = over_budget
        self.history = history
        self.keeps = keeps
        self.also = also
        self.told_archived = False
        self.guard: Guard | None = None
        self.latest: Prompted | None = None
        """The prompt that was composed last or is being composed."""

    @property
    def session(self) -> Session | None:
        """The session, or None if it was not created yet."""
        return self.place if isinstance(self.place, Session) else None

    @property
    def known(self) -> Session | None:
        """The session whose settings and tools are used: this one, or the one that is started over or forked."""
        if isinstance(self.place, Session):
            return self.place
        return self.place.fork.session if self.place.fork else self.place.over

    @property
    def defaults(self) -> Settings:
        """The settings that a prompt is based on: the session's, or those that it will be created with."""
        return self.place.defaults if isinstance(self.place, Wanted) else self.place.settings

    def is_waiting(self) -> bool:
        """Return whether a reply is being given that is not logged yet."""
        return self.latest is not None and bool(self.latest.calls) and not self.latest.logged

    def compose(
        self, conversation: Any, prompt: str | None, parameters: dict[str, Any]
    ) -> tuple[Prompted, str | None, dict[str, Any]]:
        """Return a prompt ready to send, with the chosen history and the session's system prompt."""
        if self.retrying is not None:
            prompt, parameters = attempts.resumed(self.retrying, parameters)
        prompt, parameters = self._storable(prompt, parameters)
        if self.recording:
            self.services.desk.prepare()
            if isinstance(self.place, Wanted) and self.place.over is None and self.place.name is not None:
                # another process may have created it in the meantime
                self.place = self.services.desk.find(self.place.name) or self.place
        if prompt and parameters.get("attachments") and is_blank(prompt):
            prompt = ""  # hosted interfaces refuse a blank text beside a picture
        settings, parameters = self._settings(conversation.model, parameters)
        if getattr(conversation.model, "is_missing", False):
            raise self._kept_for_later(conversation, prompt or "", parameters)
        made = self._prompted(prompt or "", settings, parameters)
        if settings.guard:  # before the prompt is in the log, or sent to a model that embeds it
            from .guarding import texts_of_prompt  # few sessions have a guard

            self._check_secrets(made, conversation.model, texts_of_prompt(prompt, parameters))
        if self.session is None and not self.recording:
            what = "not started over because" if self.known else "does not exist, and"
            name = self.known.name if self.known else self.place.name or "(new)"
            self.say(f"session {name}: {what} -n records nothing; sent without history")
            window = self._check_alone(conversation, settings, prompt, parameters)
            return made, prompt, naming(window, parameters)
        try:
            return made, prompt, self._chosen(made, conversation, settings, prompt, parameters)
        except SessionError:
            made.withdraw()
            raise
        except BaseException as error:
            made.failed(error)
            raise

    def _kept_for_later(self, conversation: Any, prompt: str, parameters: dict[str, Any]) -> SessionError:
        """Keep a prompt whose model is missing in its session, created if it is new. Return the error to raise.

        A new session gets no model: the first prompt that is answered sets it.
        """
        from .missing import options_among

        missing, place, told = conversation.model, self.place, ""
        settings = Settings(model=missing.model_id, options=options_among(parameters))
        made = self._prompted(prompt, settings, parameters)
        with self.services.writing():
            if isinstance(place, Wanted):
                made.new = place.over is None
                kept = replace(effective(self.defaults, self.said), model=None)
                place, told = created(self.services, place, conversation, kept)
            made.asked = replace(made.asked, session=place)
            made.opened = self.retrying.id if self.retrying else None
            self.services.record.keep_attempt(made.attempt((), missing.error))
        self.place, made.opened = place, None
        if told:
            self.say(f"session {place.name}: {told}")
        made.tell_kept(" (-m MODEL sends it to another model)")
        return cast("SessionError", missing.error)

    def _storable(self, prompt: str | None, parameters: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
        """Return a prompt and its parameters with “\ufffd” for everything that can't be stored; report it once."""
        given = {"prompt": prompt, **{name: parameters.get(name) for name in _TEXTS}}
        begun = {name: _each(value, lambda text: mended(text).removeprefix("\ufeff")) for name, value in given.items()}
        whole = {name: _each(value, without_halves) for name, value in begun.items()}
        if whole != begun:
            self.say("Part of the prompt is not UTF-8. Each unreadable byte is sent as “\ufffd”.")
        kept = {name: _each(value, storable) for name, value in whole.items()}
        if kept != whole:
            self.say("The prompt has NUL characters, at which many programs end a text. Each is sent as “\ufffd”.")
        if kept == given:
            return prompt, parameters
        return kept.pop("prompt"), {**parameters, **kept}

    def _prompted(self, prompt: str, settings: Settings, parameters: Mapping[str, Any]) -> Prompted:
        said = replace(self.said, model=settings.model, options=dict(settings.options))
        inputs = {name: parameters.get(name) for name in ("fragments", "attachments", "schema")}
        asked = Asked(self.session, prompt, said, inputs, self.tools)
        titling = self.latest.titling if self.latest else None  # of an earlier prompt of a chat
        self.latest = Prompted(self.services, asked, self.say, recording=self.recording, by_itself=self.by_itself)
        self.latest.titling = titling
        self.latest.keeps, self.latest.also = self.keeps, self.also
        return self.latest

    def _chosen(
        self, made: Prompted, conversation: Any, settings: Settings, prompt: str | None, parameters: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the parameters with the messages to send for a prompt. Create the session if it is new.

        Before anything is sent, also to a model that embeds or summarises, the prompt is in the log as an open attempt.
        """
        if self.session is not None:
            conversation.id = self.session.thread_id
            if self.history == "session" and summarises(
                settings.memory or POLICIES[0]
            ):  # a summary costs a request too
                self._check_cost(settings, None)
            made.mention(self._begun(made))
            self._mention_archive(self.session)
        made.embedding = embedding_of(self.services, settings) if self.history == "session" else None
        found = self._composed(made, conversation, settings, prompt, parameters)
        if settings.guard:
            self._check_history(made, conversation.model, found)
        self._check_cost(settings, found.tokens)
        session = self._adopting(settings, first=not found.exchanges)
        session = session or self._created(made, conversation, settings)  # a refused prompt creates nothing
        for notice in found.notices:
            see = self.services.desk.command("context", session.name)
            more = f" See: {see}" if notice.endswith(".") else ""  # it ends with a command of its own
            self.say(f"session {session.name}: {notice}{more}")
        if found.recalled:
            from ..rules.fences import fragment_of

            excerpts = llm.Fragment(*fragment_of(found.recalled, session.thread_id))
            parameters = {**parameters, "fragments": [excerpts, *(parameters.get("fragments") or ())]}
        if found.system != settings.system:
            parameters = {**parameters, "system": found.system}
        chain = convert.to_llm(found.chain)
        asynchronous = isinstance(conversation, models.AsyncConversation)
        conversation.responses = convert.as_responses(chain, conversation, async_=asynchronous)
        return naming(found.budget.window, {**parameters, "messages": chain})

    def _composed(
        self, made: Prompted, conversation: Any, settings: Settings, prompt: str | None, parameters: dict[str, Any]
    ) -> Context:
        """Return what is sent for a prompt, by the session's policy or with the history that was given."""
        fork = self.place.fork if isinstance(self.place, Wanted) else None
        request, requests = self._request(conversation, settings, prompt, parameters), self.services.requests
        if self.history != "session":
            given = None if self.history == "none" else self.history
            found, made.composer = requests.given(
                conversation.id, request, conversation.model, settings, given, remember=self.recording
            )
        else:
            found, made.composer = requests.compose(
                fork.thread_id if fork else conversation.id,
                replace(request, before=fork.number + 1) if fork else request,
                conversation.model,
                settings,
                remember=self.recording,
                fold=self._fold(settings, parameters.get("key")),
                near=made.embedding.near if made.embedding else None,
            )
        made.context, made.key = found, parameters.get("key")
        return found

    def _check_secrets(self, made: Prompted, model: Any, texts: Iterable[str]) -> None:
        """Say which secrets would be sent, and ask. Raises SessionError if the person says no."""
        from .guarding import Guard, texts_of_messages

        name = self.session.name if self.session else self.place.name or "(new)"
        if self.guard is None:
            off = self.services.desk.command("set", name, "--guard", "off") if self.place.name else "--guard off"
            self.guard = Guard(self.say, off, asks=not self.by_itself)
        guard = self.guard
        made.guard = lambda messages: guard.check(name, model, texts_of_messages(messages))
        guard.check(name, model, texts)

    def _check_history(self, made: Prompted, model: Any, found: Context) -> None:
        """Check what is sent besides the new prompt. The model that answered last has seen the history already."""
        from .guarding import texts_of_messages

        log, last = self.services.desk.log, found.after_turn_id
        seen = last is not None and history.settings_of(log, last).model == model.model_id
        texts = [] if seen else [found.system or "", *texts_of_messages(found.chain)]
        self._check_secrets(made, model, [*(one.text for one in found.recalled), *texts])

    def _check_cost(self, settings: Settings, tokens: int | None) -> None:
        """Raise TooExpensive if a request of this many tokens (None: unknown) would exceed a budget in dollars."""
        if self.over_budget:
            return
        session = self.place.paying() if isinstance(self.place, Wanted) else self.place
        if session is None or (session.budget_usd is None and session.project is None):
            return
        self.services.costs.check(session, settings.model or "", tokens)

    def _request(
        self, conversation: Any, settings: Settings, prompt: str | None, parameters: Mapping[str, Any]
    ) -> Request:
        return replace(convert.request_of(conversation, settings, prompt, parameters), insist=self.insist)

    def _fold(self, settings: Settings, key: str | None) -> Any:
        session = self.session
        if session is None or not self.recording or not summarises(settings.memory or POLICIES[0]):
            return None
        check("summaries")
        from .summaries import fold_of  # most sessions have no summary and don't need this import

        return fold_of(self.services, session, settings, key, lambda told: self.say(f"session {session.name}: {told}"))

    def _check_alone(
        self, conversation: Any, settings: Settings, prompt: str | None, parameters: dict[str, Any]
    ) -> Window:
        """Check a prompt without a session too: warn if it exceeds the budget, refuse it if it exceeds the window.

        Returns the window that it counts on.
        """
        request = self._request(conversation, settings, prompt, parameters)
        measure = tokens.Measure(1.0, sends_reasoning(conversation.model))
        messages = (*system_messages(request.system), *request.input)
        weight = measure.base(messages) + request.beside
        needed = measure.tokens(weight)
        self._check_cost(settings, needed)
        limit, oversized = self.services.requests.alone(request, needed, conversation.model, settings)
        if oversized:
            self.say(f"This prompt alone exceeds the budget of {limit.tokens:,} tokens: about {needed:,} are sent.")
        return limit.window

    def _settings(self, model: Any, parameters: dict[str, Any]) -> tuple[Settings, dict[str, Any]]:
        """Return this prompt's settings, and its parameters under them.

        A system prompt given once applies to the rest of a chat. A command has already merged the session's options
        into its own; a program's prompt has only the options it was given.
        """
        system = _system(parameters)
        self.said = replace(self.said, system=system or self.said.system)
        settings = effective(self.defaults, replace(self.said, model=model.model_id))
        if self.by_itself:
            known = set(getattr(model.Options, "model_fields", {})) - set(parameters)
            kept = {name: value for name, value in settings.options.items() if name in known}
            parameters = {**parameters, "options": {**kept, **(parameters.get("options") or {})}}
        if settings.system != system:
            parameters = {**parameters, "system": settings.system, "system_fragments": None}
        return replace(settings, options=options_of(model, parameters)), parameters

    def _mention_archive(self, session: Session) -> None:
        """Say once that a session is archived: the prompt is sent, but the session stays out of lists."""
        if session.archived_utc is not None and not self.told_archived:
            back = self.services.desk.command("unarchive", session.name)
            self.say(f"session {session.name}: it is archived. Bring it back into lists with: {back}")
            self.told_archived = True

    def _created(self, made: Prompted, conversation: Any, settings: Settings) -> Session:
        """Create the session of a prompt together with the prompt's open attempt, and return it."""
        assert isinstance(self.place, Wanted)
        with self.services.writing():
            session, told = created(self.services, self.place, conversation, settings)
            made.new = self.place.over is None and self.place.name is not None
            made.asked = replace(made.asked, session=session)
            interrupted = self._begun(made)
        self.place = session
        if told:
            self.say(f"session {session.name}: {told}")
        made.mention(interrupted)
        return session

    def _adopting(self, settings: Settings, *, first: bool) -> Session | None:
        """Return the session if it exists. If it has no model, it gets this one; with its `first` prompt, all settings.

        Such a session was imported, or created by a prompt whose model was missing.
        """
        session = self.session
        if session is None or session.settings.model is not None or not self.recording:
            return session
        kept = settings if first else replace(session.settings, model=settings.model)
        self.place = self.services.sessions.set(session.name, kept)
        if not first:
            self.say(f"session {session.name}: its model is now {settings.model}")
        return self.place

    def _begun(self, made: Prompted) -> list[Attempt]:
        """Keep a prompt as an open attempt; return the interrupted prompts to mention.

        Not the one that is being sent again. A program's prompt is kept when its response is read.
        """
        if self.by_itself:
            return []
        return [one for one in made.begin() if self.retrying is None or one.id != self.retrying.id]


def naming(window: Window, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return a prompt's parameters with the option that makes the server give the window that was counted on.

    It is logged with the prompt's options, because it was sent. It never becomes a setting of the session.
    """
    if window.num_ctx is None:
        return parameters
    return {**parameters, "options": {**(parameters.get("options") or {}), "num_ctx": window.num_ctx}}


def _each(value: Any, change: Callable[[str], str]) -> Any:
    """Return a text or a list of texts, each changed; what does not change stays the same object."""
    if isinstance(value, str):
        changed = change(value)
        if changed == value:
            return value
        return llm.Fragment(changed, value.source) if isinstance(value, llm.Fragment) else changed
    if isinstance(value, (list, tuple)):
        each = [_each(one, change) for one in value]
        return value if each == [*value] else each
    return value


def _system(parameters: dict[str, Any]) -> str | None:
    combined = models._combine_system(parameters.get("system"), parameters.get("system_fragments"))  # noqa: SLF001
    return combined or None
