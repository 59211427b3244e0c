"""What a push, a pull and a status say, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tabulate import tabulate

from ..model.syncing import HELD, Held, Moved, Standing, Status
from ..rules.safe_text import one_line
from ..rules.words import counted

_MOST = 20
"""How many sessions are listed; --json has all of them."""

_WIDTH = 50
"""How many characters of a name are shown in a table or a list."""

_FEW = 5
"""How many names are listed within a sentence."""


def pushed_lines(
    moved: Moved, remote: str, *, would: bool = False, conflicts: str = "", chosen: bool = False
) -> Iterator[str]:
    """Yield what a push did, or would do. `conflicts` is the command that lists them.

    `chosen`: It was about one session or project.
    """
    if moved.nothing:
        what = "all that you chose" if chosen else "everything that belongs there"
        yield f"Nothing to push: “{remote}” has {what}."
    elif moved.conversations or moved.turns:
        yield f"{'Would push' if would else 'Pushed'} to “{remote}”: {_new(moved)}."
    if moved.changed:
        what = counted(moved.changed, "conversation")
        yield f"{'Would update' if would else 'Updated'} settings, notes or ratings of {what} on “{remote}”."
    if moved.tombstones or moved.deleted:
        gone = "would be deleted" if would else "deleted"
        went = f"; {counted(moved.deleted, 'exchange')} {gone} there" if moved.deleted else ""
        yield f"{'Would send' if would else 'Sent'} {counted(moved.tombstones, 'deletion')} to “{remote}”{went}."
    yield from _both(moved, conflicts)


def pulled_lines(
    moved: Moved, remote: str, *, would: bool = False, conflicts: str = "", chosen: bool = False
) -> Iterator[str]:
    """Yield what a pull did, or would do. `conflicts` is the command that lists them.

    `chosen`: It was about one session or project.
    """
    if moved.nothing:
        yield f"Nothing to pull: “{remote}” has nothing new{' of what you chose' if chosen else ''}."
    elif moved.conversations or moved.turns:
        yield f"{'Would pull' if would else 'Pulled'} from “{remote}”: {_new(moved)}."
    if moved.changed:
        what, newer_ones = (
            ("1 setting, note or rating", "a newer one")
            if moved.changed == 1
            else (f"{moved.changed:,} settings, notes or ratings", "newer ones")
        )
        yield f"{'Would update' if would else 'Updated'} {what} here with {newer_ones} from “{remote}”."
    if moved.deleted:
        gone = "Would delete" if would else "Deleted"
        them = "it" if moved.deleted == 1 else "them"
        yield f"{gone} {counted(moved.deleted, 'exchange')} here, because another machine deleted {them}."
    elif moved.tombstones:
        yield f"Took note of {counted(moved.tombstones, 'deletion')} of something that isn't here."
    yield from _both(moved, conflicts)


def newer(number: int) -> str:
    """Return the beginning of a sentence about so many changes: `2 settings, notes or ratings are`."""
    return "1 setting, note or rating is" if number == 1 else f"{number:,} settings, notes or ratings are"


def _new(moved: Moved) -> str:
    """Return how much is new on the other side. Zeros are left out."""
    what = " and ".join(
        counted(number, noun)
        for number, noun in ((moved.conversations, "new conversation"), (moved.turns, "new turn"))
        if number
    )
    more = [
        counted(number, noun)
        for number, noun in (
            (moved.messages, "message"),
            (moved.fragments, "fragment"),
            (moved.attachments, "attachment"),
        )
        if number
    ]
    return f"{what} ({', '.join(more)})" if more else what


def _both(moved: Moved, conflicts: str) -> Iterator[str]:
    """Yield what can come of a push as well as of a pull."""
    apart = {name for some in moved.branches for name in some}
    renamed = [pair for pair in moved.renamed if pair[1] not in apart]  # the others are said as branches
    for elsewhere, here in renamed[:_MOST]:
        yield f"Session “{elsewhere}” is called “{here}” here, because another session here has that name."
    if len(renamed) > _MOST:
        yield f"And {counted(len(renamed) - _MOST, 'more session')} under other names here."
    for kept, *others in moved.branches:
        names = ", ".join(f"“{name}”" for name in others)
        yield f"A session was continued in two places. Its branches share the beginning: “{kept}”, {names}."
    if moved.conflicts:
        yield f"{counted(moved.conflicts, 'older value')} kept apart. List them with: {conflicts}"
    yield from moved.stayed


def status_lines(found: Status, remote: str, place: str, conflicts: str) -> Iterator[str]:
    """Yield what differs between this log and a remote, what is held back, and what lost."""
    if found.in_sync:
        yield f"In sync with “{remote}” ({place})."
    else:
        yield f"Compared with “{remote}” ({place}):"
    if found.standings:
        yield _table(found.standings)
    if len(found.standings) > _MOST:
        yield f"and {counted(len(found.standings) - _MOST, 'more conversation')}"
    if found.deleted_here:
        yield f"{counted(found.deleted_here, 'deletion')} to push."
    if found.deleted_there:
        yield f"{counted(found.deleted_there, 'deletion')} to pull."
    for one in found.held:
        yield from _held(one, remote)
    if found.conflicts:
        was = "value that lost to a newer one is" if found.conflicts == 1 else "values that lost to newer ones are"
        yield f"{found.conflicts:,} {was} kept apart. List them with: {conflicts}"


def _table(standings: Sequence[Standing]) -> str:
    rows = [
        (
            one_line(one.name or one.thread_id, _WIDTH),
            f"{one.ahead:,} to push" if one.ahead else "",
            f"{one.behind:,} to pull" if one.behind else "",
            "settings, notes or ratings differ" if one.changed else "",
        )
        for one in standings[:_MOST]
    ]
    return str(tabulate(rows, tablefmt="plain", disable_numparse=True))


def _held(held: Held, remote: str) -> Iterator[str]:
    """Yield how many sessions are held back for one reason, and which of them are on the remote from before."""
    number, why = len(held.names), HELD.get(held.reason, held.reason)
    what = counted(number, f"{why} session") if " " not in why else f"{counted(number, 'session')} {why}"
    yield f"Held back: {what} ({_names(held.names)})."
    if held.there:
        are, it = ("is", "it") if len(held.there) == 1 else ("are", "them")
        yield f"{_names(held.there)} {are} still on “{remote}” from before. Nothing new from {it} is sent."


def _names(names: Sequence[str]) -> str:
    """Return some names, the first few of them."""
    said = ", ".join(f"“{one_line(name, _WIDTH)}”" for name in names[:_FEW])
    return f"{said} and {len(names) - _FEW:,} more" if len(names) > _FEW else said
