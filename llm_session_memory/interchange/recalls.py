"""Store which excerpts were sent with a turn. The file names each excerpt by turn, side and part."""

from __future__ import annotations

from ..model import SIDES
from ..store import Requests
from ..store.staging import Staging
from .places import Places
from .records import RecallRecord


class Recalls:
    """The excerpts of an import. Each gets its place in the index when the index knows the imported turns."""

    def __init__(self, staging: Staging, places: Places) -> None:
        self.staging, self.requests = staging, Requests(staging.log)
        self.places = places

    def add(self, turn_id: str, records: tuple[RecallRecord, ...]) -> None:
        """Add the excerpts that were sent with a turn, best first."""
        if not records:
            return
        self.requests.add_recalls(turn_id, [one.recalled for one in records])
        self.staging.add_excerpts(
            {
                "turn_id": turn_id,
                "rank": rank,
                "exchange": (one.turn or (0, 0))[0],
                "turn": (one.turn or (0, 0))[1],
                "side": SIDES.index(one.side),
                "part": one.part,
            }
            for rank, one in enumerate(records, 1)
        )

    def finish(self) -> bool:
        """Look up the turns that the excerpts are from, and return whether there are any excerpts."""
        return self.staging.find_excerpts(self.places.turn)
