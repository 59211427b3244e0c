"""Telling from a server's count whether it cut the prompt: what must be noticed, and what must not."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from llm_session_memory.model import Message, Turn
from llm_session_memory.rules.server_cuts import (
    CountedRequest,
    Cut,
    counts_all,
    detect,
    halved,
    halved_window,
    possible,
)
from llm_session_memory.rules.tokens import Measure, continued, learn
from tests.world.laws import tried
from tests.world.ollama_rules import OllamaModel, count_words, reused_tokens, truncate


def found(  # noqa: PLR0913  the figures of one case
    counted: int,
    estimate: int,
    *,
    base: float | None = None,
    before: tuple[int, float] | None = None,
    window: int | None = None,
    reply: int | None = None,
    calibrated: bool = True,
) -> Cut | None:
    return detect(
        CountedRequest(counted, float(estimate) if base is None else base, estimate),
        CountedRequest(before[0], before[1], 0) if before else None,
        window=window,
        reply_tokens=reply,
        calibrated=calibrated,
    )


HALVES = {
    "2,048 without and with a first token": (2_048, {1_026, 1_027}),
    "4,096 (measured: 2,050 or 2,051)": (4_096, {2_050, 2_051}),
    "32,768 (measured: 16,386 or 16,387)": (32_768, {16_386, 16_387}),
    "an odd one": (3_001, {1_503}),
    "hardly larger than what is kept": (6, {5}),
    "smaller than what is kept": (3, {2}),
}


@pytest.mark.parametrize(("window", "counts"), HALVES.values(), ids=HALVES.keys())
def test_a_halved_window_has_known_counts(window: int, counts: set[int]) -> None:
    """After Ollama cuts a prompt inside, its count is one of two: about half of the window."""
    assert halved(window) == counts


def test_a_halved_window_is_recognised() -> None:
    """From a halved count the window is known: the one in use first, then the common ones."""
    assert halved_window(2_050, None) == 4_096
    assert halved_window(2_051, 32_768) == 4_096
    assert halved_window(1_503, 3_001) == 3_001
    assert halved_window(1_503, None) is None
    assert halved_window(0, None) is None


CERTAIN = {
    "half of the known window": ({"counted": 2_050, "estimate": 5_000, "window": 4_096}, 4_096),
    "half, with a first token": ({"counted": 2_051, "estimate": 5_000, "window": 4_096}, 4_096),
    "half of another window than was thought": ({"counted": 1_026, "estimate": 3_000, "window": 4_096}, 2_048),
    "half of a window that nobody knew": ({"counted": 16_386, "estimate": 40_000}, 32_768),
    "half of an unusual window": ({"counted": 1_503, "estimate": 3_500, "window": 3_001}, 3_001),
    "half, before anything was measured": ({"counted": 2_050, "estimate": 5_000, "calibrated": False}, 4_096),
    "fewer than for less": ({"counted": 2_500, "estimate": 3_500, "before": (3_300, 3_300.0)}, 4_096),
}

LIKELY = {
    "well under a measured estimate": ({"counted": 3_000, "estimate": 5_000}, 4_096),
    "prompt and answer reach the window": ({"counted": 3_900, "estimate": 4_000, "window": 4_096, "reply": 196}, None),
    "the prompt alone reaches the window": ({"counted": 4_096, "estimate": 4_100, "window": 4_096}, None),
    "as many as before, for much more": (
        {"counted": 3_681, "estimate": 4_934, "before": (3_680, 3_680.0)},
        4_096,
    ),
    "a little more than before, for more": (
        {"counted": 30_020, "estimate": 30_520, "before": (30_000, 30_000.0)},
        32_768,
    ),
    "a little fewer than for a little less": ({"counted": 3_280, "estimate": 3_310, "before": (3_300, 3_300.0)}, 4_096),
}

NOTHING = {
    "as expected": {"counted": 3_000, "estimate": 3_000, "window": 4_096, "reply": 200},
    "more than expected": {"counted": 3_600, "estimate": 3_000, "window": 4_096, "reply": 200},
    "somewhat under the estimate": {"counted": 2_200, "estimate": 3_000},
    "well under an estimate that nothing was measured for": {"counted": 1_500, "estimate": 3_000, "calibrated": False},
    "half of a window by chance, as expected": {"counted": 2_050, "estimate": 2_100, "window": 4_096},
    "more than for less": {"counted": 3_400, "estimate": 3_400, "before": (3_300, 3_300.0)},
    "fewer for less": {"counted": 3_000, "estimate": 3_000, "before": (3_300, 3_300.0)},
    "one below the window": {"counted": 3_900, "estimate": 3_900, "window": 4_096, "reply": 195},
    "only what was added, if the server leaves out its cache": {
        "counted": 310,
        "estimate": 3_300,
        "before": (3_000, 3_000.0),
        "window": 4_096,
    },
    "what was added is denser than usual": {"counted": 3_600, "estimate": 4_000, "before": (3_000, 3_000.0)},
    "no window known": {"counted": 100_000, "estimate": 100_000, "reply": 5_000},
}


@pytest.mark.parametrize(("case", "window"), CERTAIN.values(), ids=CERTAIN.keys())
def test_a_cut_that_the_count_proves_is_certain(case: dict[str, object], window: int) -> None:
    """A count that is half of a window, or far below that of a shorter request, proves a cut and shows the window."""
    cut = found(**case)  # type: ignore[arg-type]
    assert cut is not None
    assert (cut.certain, cut.window) == (True, window)
    assert f"{case['counted']:,} tokens" in cut.because


@pytest.mark.parametrize(("case", "window"), LIKELY.values(), ids=LIKELY.keys())
def test_a_cut_that_the_count_suggests_is_likely(case: dict[str, object], window: int | None) -> None:
    """A count well below the expected one, or a full window, suggests a cut."""
    cut = found(**case)  # type: ignore[arg-type]
    assert cut is not None
    assert (cut.certain, cut.window) == (False, window)


@pytest.mark.parametrize("case", NOTHING.values(), ids=NOTHING.keys())
def test_an_ordinary_count_is_not_a_cut(case: dict[str, object]) -> None:
    """A count that an uncut prompt may well have is not called a cut."""
    assert found(**case) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(("counted", "is_cut"), [(1_200, False), (1_000, False), (650, True)])
def test_what_was_guessed_of_the_request_before_is_no_sign_of_a_cut(counted: int, *, is_cut: bool) -> None:
    """If the request before had excerpts, the count of the rest is known only roughly: much less than that is a cut."""
    shared = CountedRequest(1_000, 1_000.0, 0, guessed=600)
    now = CountedRequest(counted, 1_200.0, 1_200)
    made = detect(now, shared, window=None, reply_tokens=None, calibrated=False)
    assert (made is not None) is is_cut


def text_of_base(weight: int) -> str:
    """Return a text that weighs about `weight`: words of one token each, for any tokenizer."""
    return " ".join(["word"] * weight)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[float, list[tuple[int, int, float]]]:
    """A server's rate, and turns: size of prompt and reply, and the error of that request's count."""
    rate = draw(st.floats(0.6, 1.6))
    sizes = st.integers(1, 5) | st.integers(1, 800)
    return rate, draw(st.lists(st.tuples(sizes, sizes, st.floats(-0.02, 0.02)), min_size=1, max_size=25))


@given(conversations(), st.sampled_from([None, 131_072]))
def test_a_server_that_never_cuts_is_never_said_to_have_cut_for_certain(
    talk: tuple[float, list[tuple[int, int, float]]], window: int | None
) -> None:
    """During one block, a server that counts steadily, and within a few per cent, is never accused for certain."""
    rate, turns = talk
    log: list[Turn] = []
    weight = 0.0
    for number, (prompt, reply, noise) in enumerate(turns):
        asked = Message.of_text("user", text_of_base(prompt))
        said = Message.of_text("assistant", text_of_base(reply))
        learned = learn(reversed(log), "m")
        measure = Measure(learned or 1.0)
        weight += measure.base([asked])
        estimate = continued(log[-1], weight, measure) if log else measure.tokens(weight)
        counted = round(weight * rate * (1 + noise))
        before = (log[-1].input_tokens or 0, log[-1].request_base or 0.0) if log else None
        cut = found(
            counted,
            estimate,
            base=weight,
            before=before,
            window=window,
            reply=round(reply * rate),
            calibrated=learned is not None,
        )
        by_chance = halved_window(counted, window) is not None
        assert cut is None or not cut.certain or by_chance
        log.append(Turn(str(number), "m", (asked,), (said,), "", None, counted, round(reply * rate), weight, 1, window))
        weight += measure.base([said])


@given(st.integers(512, 262_144), st.floats(1.5, 20.0), st.sampled_from([4, 5]))
def test_every_prompt_that_is_halved_is_noticed(window: int, times: float, keep: int) -> None:
    """A prompt that is much too long for a known window is noticed, whatever the window."""
    counted = window - max((window - keep) // 2, 1)
    cut = found(counted, int(window * times), window=window)
    assert cut is not None
    assert cut.certain


SAID = st.integers(1, 900)
TALKS = st.lists(st.tuples(SAID, SAID), min_size=1, max_size=12)


def chat_of(sizes: list[tuple[int, int]], prompt: int) -> list[dict[str, str]]:
    """Return a chat of exchanges (prompt and reply, in words) and a new prompt."""
    said = [(role, size) for pair in sizes for role, size in zip(("user", "assistant"), pair, strict=True)]
    return [{"role": role, "content": "word " * size} for role, size in [*said, ("user", prompt)]]


@given(TALKS, SAID, st.integers(600, 12_000), st.booleans(), st.floats(0.75, 1.3))
@tried(1_000, 30)
def test_a_request_that_extends_another_is_noticed_if_it_is_cut(
    sizes: list[tuple[int, int]],
    prompt: int,
    num_ctx: int,
    cached: bool,
    error: float,
) -> None:
    """A cut of more than the estimate's error is noticed; a request that is sent whole is not called cut.

    The second is so too if the server counts only what is not in its prompt cache.
    """
    model = OllamaModel("m")
    first = truncate(chat_of(sizes[:-1], sizes[-1][0]), (), model, num_ctx, count_words)
    second = truncate(chat_of(sizes, prompt), (), model, num_ctx, count_words)
    assume(first.cut is None)
    added = second.tokens_before - first.tokens
    counted = second.tokens - (reused_tokens(first, second, count_words) if cached else 0)
    now = CountedRequest(counted, float(second.tokens_before), first.tokens + round(added * error))
    before = CountedRequest(first.tokens, float(first.tokens), 0)
    largest = max(4.0 + size for pair in sizes for size in pair)
    noticed = detect(now, before, window=num_ctx, reply_tokens=1, calibrated=True)
    if not possible(now, before, window=num_ctx, largest=largest):
        noticed = None
    if second.cut is None:
        doubtful = counted in halved(num_ctx) or now.estimate >= num_ctx
        assert noticed is None or counts_all(str(noticed)) or doubtful
    elif not cached and second.tokens_before - second.tokens > 0.65 * added + 16:
        like_a_cache = counted <= 1.5 * added + 16 and now.estimate < num_ctx
        assert noticed is not None or like_a_cache
