"""Everything that an imported session has besides its exchanges: settings, project, title, tags, facts and notes."""

from __future__ import annotations

from dataclasses import replace

from ...model import Project, Session, Settings, Title
from ...rules import names
from ...rules.limits import LONGEST_NOTE, LONGEST_VALUE
from ...rules.safe_text import one_line, storable
from ...rules.titles import LONGEST as LONGEST_TITLE
from ...store import Log, Notes, Sessions, titles
from ...store.projects import Projects
from . import labels
from .values import ForeignConversation, Losses


def settings_of(conversation: ForeignConversation) -> Settings:
    """Return the settings that a conversation continues with."""
    system = storable(conversation.system) if conversation.system else None
    return Settings(model=conversation.model, system=system, options=dict(conversation.options))


def keep(log: Log, session: Session, conversation: ForeignConversation, losses: Losses, now: str) -> Session:
    """Store a session, and what belongs to it; return it as it is stored. What can't be stored is counted as a loss."""
    project = _project(log, conversation.project, now)
    session = replace(session, project=project, archived_utc=now if conversation.archived else None)
    Sessions(log).add(session)
    kept, thread_id = Notes(log), session.thread_id
    for tag in conversation.tags:
        made = labels.tag(tag)
        if made is None:
            losses.add("a tag that can't be stored", session.name)
        else:
            kept.add_tag(thread_id, made)
    for name, value in conversation.meta.items():
        key, text = labels.fact(name), storable(value)
        if key is None or len(text) > LONGEST_VALUE:
            losses.add(f"a fact of more than {LONGEST_VALUE:,} characters", session.name)
        else:
            kept.set_meta(thread_id, {key: text})
    for note in conversation.notes:
        text = storable(note).strip()
        if len(text) > LONGEST_NOTE:
            losses.add(f"the rest of a note of more than {LONGEST_NOTE:,} characters", session.name)
        if text:
            kept.add_note(thread_id, text[:LONGEST_NOTE], "you", session.created_utc)
    title = one_line(storable(conversation.title), LONGEST_TITLE) if conversation.title else ""
    if title:
        titles.put(log, thread_id, Title(title, "you", session.created_utc))
    return session


def _project(log: Log, name: str | None, now: str) -> str | None:
    """Return the key of a project, which is made without defaults unless it is there."""
    kept = labels.label(name)
    if kept is None:
        return None
    if names.key(kept) == names.NO_PROJECT:
        kept = f"{kept}-"
    if Projects(log).project(kept) is None:
        Projects(log).add(Project(names.key(kept), kept, now))
    return names.key(kept)
