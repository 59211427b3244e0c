"""Create the session of a prompt."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..errors import NameRefused, SessionError
from ..model import Session, Settings
from ..model.frozen import dataclass
from ..rules.names import NO_PROJECT, key, mistyped
from ..rules.policy import effective
from ..services.bundle import Services
from .shape import check

if TYPE_CHECKING:
    from ..model import Project
    from ..services.forks import ForkPoint

RELIED_ON = {
    "an instance of models.Conversation": "id",
    "an instance of models.AsyncConversation": "id",
}
"""The parts of llm that this module relies on (see `shape`)."""


@dataclass(frozen=True)
class Wanted:
    """A session to create with the next prompt.

    `name`: None generates one. `over`: the session that it starts over. `project`: whose defaults it gets, after those
    of `over`. `fork`: the exchange that it continues after. `template`: the names of llm's templates that the prompt
    was given. If `system_once`, their system prompt contains the prompt, so it doesn't become the session's.
    """

    name: str | None
    over: Session | None = None
    project: Project | None = None
    template: str | None = None
    system_once: bool = False
    fork: ForkPoint | None = None

    @property
    def defaults(self) -> Settings:
        """The settings that the session begins with, apart from those that its first prompt is given."""
        if self.fork is not None:
            return self.fork.settings
        settings = self.over.settings if self.over else Settings()
        return effective(settings, self.project.settings) if self.project else settings

    def paying(self) -> Session | None:
        """Return what its first prompt may cost, as a session that has cost nothing yet; None without limits."""
        over, project = self.over, self.project.key if self.project else self.over.project if self.over else None
        if project is None and (over is None or over.budget_usd is None):
            return None
        name = over.name if over else self.name or "(new)"
        return Session("", name, "", Settings(), project, budget_usd=over.budget_usd if over else None)


def place_of(
    services: Services, name: str | None, project: str | None, *, new: bool = False, typed: bool = True
) -> Session | Wanted:
    """Return the session of that name or, if there is none or it is to be a `new` one, the one to create.

    `project` is the name of its project. Unless it was `typed` (it may come from LLM_PROJECT), it is for sessions that
    don't exist yet, and it is ignored for others. Raises SessionError if an existing session is in another project, or
    if the project is unknown.
    """
    session = services.desk.find(name) if name is not None else None
    named = typed or session is None
    wanted = project if named and project is not None and key(project) != NO_PROJECT else None
    origin = "" if typed else " (from LLM_PROJECT)"
    found = services.projects.get(wanted, to_use=True, origin=origin) if wanted is not None else None
    if session is None:
        return Wanted(name, project=found)
    if new:
        over = session if project is None or not typed else replace(session, project=None)
        return Wanted(session.name, over, found)
    if typed and project is not None and session.project != (found.key if found else None):
        now = services.projects.name_of(session)
        raise SessionError(
            f"Session “{session.name}” is in {f'project “{now}”' if now else 'no project'}.",
            f"Move it with: {services.desk.command('set', session.name, '--project', project)}",
        )
    return session


def fork_of(services: Services, place: Session | Wanted, number: int, *, recording: bool) -> Wanted:
    """Return the session to create that continues after an exchange of another one. Raises SessionError."""
    check("forks")
    if isinstance(place, Wanted):
        if place.over is not None or place.name is None:
            raise SessionError("--fork-at can't be combined with --new-session.", "Leave out one of them.")
        services.sessions.get(place.name)  # raises
    assert isinstance(place, Session)
    if not recording:
        raise SessionError("--fork-at makes a new session, and -n records nothing.", "Leave out one of them.")
    return Wanted(None, fork=services.forks.point(place.name, number))


def created(services: Services, place: Wanted, conversation: Any, settings: Settings) -> tuple[Session, str]:
    """Create a session on a conversation's thread; return it and what to report.

    If another process has created it since we looked, the conversation continues in that one.
    """
    if place.system_once:
        settings = replace(settings, system=place.defaults.system)
    over, project = place.over, place.project
    belongs = {
        "project": project.key if project else over.project if over else None,
        "template": place.template or (over.template if over else None),
    }
    told = _told(settings, project.name if project else None, place.template)
    if place.fork is not None:
        made = services.forks.make(place.fork, None, conversation.id, settings)
        origin = place.fork.session
        return made, f"forked from {origin.name if origin else place.fork.thread_id} at #{place.fork.number}{told}"
    if over is not None:
        made, retired = services.sessions.start_over(over, conversation.id, settings, **belongs)
        return made, f"started over{told}; the old one is now {retired}"
    existing = services.sessions.names()
    try:
        made = services.sessions.create(place.name, conversation.id, settings, **belongs)
    except NameRefused:
        found = services.sessions.find(place.name) if place.name is not None else None
        if found is None:
            raise
        conversation.id = found.thread_id
        return found, ""
    alike = mistyped(made.name, existing)
    doubt = f" (did you mean {alike}?)" if alike and place.name is not None else ""
    once = "; its system prompt contains the prompt, so it is for this prompt only" if place.system_once else ""
    sealed = services.desk.sealed_file(made.name) if place.name is not None else None
    unseal = services.desk.command("unseal", sealed or "", "--as", "NAME")
    of_old = f"; a sealed session of this name is brought back with: {unseal}" if sealed else ""
    return made, f"created{told}{doubt}{once}{of_old}"


def _told(settings: Settings, project: str | None, template: str | None) -> str:
    """Return how a session was created: ` with llama3 in project bridge from template brief`."""
    said = (("with", settings.model), ("in project", project), ("from template", template))
    return "".join(f" {word} {value}" for word, value in said if value)
