"""A log with sessions that answered the same prompts, for the pages that show them side by side."""

from __future__ import annotations

from pathlib import Path

from tests.world.everything import Session, with_rating, with_rows, with_sessions
from tests.world.logs import LogBuilder, Said

AT = "2026-09-01T09:00:00+00:00"

PROMPTS = [f"What does pier {number} need?" for number in range(1, 25)]


def _reply(model: str, number: int) -> str:
    more = " It can wait until spring." if model == "small" else " It should be done before the first storms of autumn."
    return f"Pier {number} needs <b>new</b> planks.{more * (1 + number % 3)}"


def write_compared(path: Path) -> dict[str, str]:
    """Write `work` and `work-b`, which answered 24 prompts, `work-c` with two of them; return their threads by name.

    The group `bridges` has all three. `work-b` is cheaper, shorter and faster; people found it better twice, and the
    other better once. It failed for one prompt, and `work` has one that `work-b` lacks.
    """
    threads: dict[str, str] = {}
    turns: dict[str, list[str]] = {}
    models = {"work": "gpt-4o", "work-b": "gpt-4o-mini", "work-c": "gpt-4o-mini"}
    with LogBuilder(path) as log:
        for name, model in models.items():
            threads[name] = log.thread()
            size = "large" if name == "work" else "small"
            prompts = PROMPTS[:2] if name == "work-c" else PROMPTS[: 24 if name == "work" else 22]
            said = [
                Said(
                    prompt,
                    _reply(size, number),
                    tokens=(40, 60 + number if size == "large" else 30 + number),
                    duration_ms=(3000 if size == "large" else 900) + 40 * (number % 7),
                )
                for number, prompt in enumerate(prompts, 1)
            ]
            turns[name] = log.turns(threads[name], *said, model=model)
    failed = [(f"{turns['work-b'][-1][:-1]}z", PROMPTS[22], "The server is busy (HTTP 429). <b>Wait</b>.")]
    with_sessions(
        path,
        *(
            Session(threads[name], name, turns[name], model=models[name], attempts=failed if name == "work-b" else [])
            for name in models
        ),
    )
    with_rating(path, threads["work"], turns["work"][0], "down", "Too long <i>", "")
    with_rating(path, threads["work-b"], turns["work-b"][0], "up")
    for place, better in enumerate(("b", "b", "a")):
        pair = sorted((turns["work"][place], turns["work-b"][place]))
        turned = pair[0] != turns["work"][place]
        chosen = {"a": "b", "b": "a"}[better] if turned else better
        vote = {"a_turn_id": pair[0], "b_turn_id": pair[1], "better": chosen, "blind": place == 0, "voted_utc": AT}
        with_rows(path, "memory_votes", vote)
    with_rows(path, "memory_groups", {"name": "Bridges <b>", "name_key": "bridges <b>", "created_utc": AT})
    members = (
        {"name_key": "bridges <b>", "thread_id": one, "added_utc": f"{AT[:17]}0{n}+00:00"}
        for n, one in enumerate(threads.values())
    )
    with_rows(path, "memory_group_members", *members)
    return threads
