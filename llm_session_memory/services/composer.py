"""Composing one request: the next of its block, or the first of a new one.

Between the store and the pure rules. Writes nothing but the full-text index; a summary is made through a function
that the caller gives.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..errors import OverBudget
from ..model import Context, Message
from ..rules.blocks import NewBlock
from ..rules.clipping import clip
from .beginning import Fold, begin, begin_in_progress
from .continuing import continued
from .recall import Near, Recall
from .snapshot import Snapshot


@dataclass(frozen=True)
class Composer:
    """What chooses a request of one session.

    `fold` makes summaries, `near` finds passages by meaning. `writing`: the full-text index may be brought up to date.
    """

    snapshot: Snapshot
    fold: Fold | None = None
    near: Near | None = None
    writing: bool = False

    def compose(self) -> tuple[Context, Composer]:
        """Return what is sent, and the composer of what follows, which knows a summary that was made on the way.

        Raises OverBudget.
        """
        snapshot = self.snapshot
        block = snapshot.store.requests.latest(snapshot.thread_id) if snapshot.request.before is None else None
        recall = Recall(snapshot, self.near, writing=self.writing)
        made = continued(snapshot, block, recall)
        if isinstance(made, NewBlock):
            made, snapshot = begin(snapshot, made, block, recall, self.fold)
        if recall.trouble:
            told = f"Recall went by words alone: the embedding model failed ({recall.trouble})."
            made = replace(made, notices=(*made.notices, told))
        return made, replace(self, snapshot=snapshot)

    def in_progress(self, exchange: tuple[Message, ...]) -> tuple[Context, tuple[Message, ...]]:
        """Return a new block's request for an exchange in progress that no longer fits, and the exchange as it is sent.

        Its tool results make it grow while it is held. Earlier exchanges give way first; then its longest texts are
        cut in the middle. Raises OverBudget where not even that fits.
        """
        snapshot, measure = self.snapshot, self.snapshot.measure
        pins = sum(pin.tokens for pin in snapshot.pins())
        room = snapshot.budget.tokens - pins - snapshot.beside() - 2  # each of the estimates was rounded up
        sent: tuple[Message, ...] | None = exchange
        if measure.tokens(measure.base(exchange)) > room:
            sent = clip(exchange, room, measure)
        if sent is None:
            message = f"The tool results of this prompt do not fit in the budget of {snapshot.budget.tokens:,} tokens."
            raise OverBudget(message, "Raise --max-context-tokens, or ask the tool for less.")
        return begin_in_progress(replace(snapshot, request=replace(snapshot.request, input=sent))), sent
