"""Compose one request: the next of its block, or the first of a new one.

Sits between the store and the pure rules. Writes only the full-text index; summaries are made by a function that the
caller passes in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import OverBudget
from ..model import Context, Message, Recalled
from ..model.frozen import dataclass, replace
from ..rules.blocks import NewBlock
from .continuing import continued
from .desk import Clock, now_utc
from .seen_session import SeenSession

if TYPE_CHECKING:
    from .beginning import Fold
    from .nearness import Near
    from .recall import Recall


@dataclass(frozen=True)
class Composer:
    """Chooses what one request of a session contains.

    `fold` makes summaries, and `near` finds passages by meaning. `writing` allows updating the full-text index. `now`
    is the clock, for prompts that name a time.
    """

    seen: SeenSession
    fold: Fold | None = None
    near: Near | None = None
    writing: bool = False
    now: Clock = now_utc

    def compose(self) -> tuple[Context, Composer]:
        """Return what is sent, and the composer to use next, which knows any summary made on the way.

        Raises OverBudget.
        """
        begun = seen = self.seen
        block = seen.store.requests.latest(seen.thread_id) if seen.request.before is None else None
        recalling: list[Recall] = []

        def recall() -> Recall:
            from .recall import Recall  # not loaded by the many prompts that are sent with all of their session

            if not recalling:
                recalling.append(Recall(seen, self.near, writing=self.writing, now=self.now))
            return recalling[0]

        made = continued(seen, block, recall)
        if isinstance(made, NewBlock):
            from .beginning import begin  # not loaded by the many prompts that continue a block

            made, begun = begin(seen, made, block, recall, self.fold)
        for used in recalling:
            if used.trouble:
                why = used.trouble.message.rstrip(".")
                news = f"The embedding model failed ({why}), so recall searched by words only. {used.trouble.hint}"
                made = replace(made, notices=(*made.notices, news.strip()))
            if used.beyond:
                made = replace(made, notices=(*made.notices, *used.beyond.notices))
        return made, replace(self, seen=begun)

    def in_progress(
        self, exchange: tuple[Message, ...], recalled: Sequence[Recalled] = ()
    ) -> tuple[Context, tuple[Message, ...]]:
        """Return a new block's request for an exchange in progress that no longer fits, and the exchange as it is sent.

        Tool results make an exchange grow while it runs. Earlier exchanges are dropped first, then the excerpts that
        were recalled for it; then its own longest texts are cut in the middle. Raises OverBudget if even that doesn't
        fit.
        """
        from .beginning import begin_in_progress

        seen, measure = self.seen, self.seen.measure
        pins = sum(pin.tokens for pin in seen.pins())
        room = seen.budget.tokens - pins - seen.beside() - 2  # each estimate was rounded up
        sent: tuple[Message, ...] | None = exchange
        if recalled and measure.tokens(measure.base(exchange)) > room:
            from ..rules.fences import without_recalled

            sent = exchange = without_recalled(exchange, recalled)
        if measure.tokens(measure.base(exchange)) > room:
            from ..rules.clipping import clip

            sent = clip(exchange, room, measure)
        if sent is None:
            message = f"The tool results of this prompt do not fit in the budget of {seen.budget.tokens:,} tokens."
            raise OverBudget(message, "Raise --max-context-tokens, or ask the tool for less.")
        return begin_in_progress(replace(seen, request=replace(seen.request, input=sent))), sent
