"""The rules of the cost of a call."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from genai_prices import Usage, calc_price
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_session_memory.reader.figures import Cost, dollars, small_dollars
from llm_session_memory.reader.prices import cost, is_local

DAY = "2026-05-01T08:00:00+00:00"


@pytest.mark.parametrize("model", ["gpt-4o-mini", "claude-sonnet-4.5", "gemini-2.5-pro"])
@given(given_=st.integers(0, 1_000_000), written=st.integers(0, 100_000))
@settings(max_examples=50)
def test_a_call_costs_what_genai_prices_says(model: str, given_: int, written: int) -> None:
    """The cost matches genai-prices for calls of any size, including sizes beyond the tiers where prices change."""
    noon = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)
    wanted = calc_price(Usage(input_tokens=given_, output_tokens=written), model, genai_request_timestamp=noon)
    assert cost(model, given_, written, DAY) == pytest.approx(float(wanted.total_price))


@pytest.mark.parametrize("tokens", [199_999, 200_000, 200_001])
def test_the_price_changes_at_the_start_of_a_tier(tokens: int) -> None:
    """The price changes at the same token as in genai-prices."""
    noon = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)
    wanted = calc_price(Usage(input_tokens=tokens, output_tokens=0), "claude-sonnet-4.5", genai_request_timestamp=noon)
    assert cost("claude-sonnet-4.5", tokens, 0, DAY) == pytest.approx(float(wanted.total_price))


@pytest.mark.parametrize(
    ("model", "same_as"),
    [
        ("gemini/gemini-2.5-pro", "gemini-2.5-pro"),
        ("openai/gpt-4o-mini", "gpt-4o-mini"),
        ("anthropic/claude-sonnet-4-5", "claude-sonnet-4.5"),
    ],
)
def test_a_plugins_prefix_is_understood(model: str, same_as: str) -> None:
    """The provider before a model's name does not hide its price."""
    assert cost(model, 1000, 1000, DAY) == pytest.approx(cost(same_as, 1000, 1000, DAY))


UNKNOWN = [
    pytest.param("a-model-that-nobody-sells", 10, 10, DAY, id="model"),
    pytest.param("ollama/llama3", 10, 10, DAY, id="local"),
    pytest.param("gpt-4o-mini", None, 10, DAY, id="no count"),
    pytest.param("gpt-4o-mini", "10", 10, DAY, id="a count that is text"),
    pytest.param(None, 10, 10, DAY, id="no model"),
    pytest.param(b"x", 10, 10, DAY, id="a model that is not text"),
]


@pytest.mark.parametrize(("model", "given_", "written", "when"), UNKNOWN)
def test_an_unknown_cost_is_none(model: object, given_: object, written: object, when: object) -> None:
    """A cost that can't be known is None, never zero."""
    assert cost(model, given_, written, when) is None


@pytest.mark.parametrize("when", [None, "", "yesterday", "0000-00-00", 5])
def test_a_call_without_a_date_has_todays_price(when: object) -> None:
    """An unreadable date does not hide a price."""
    assert cost("gpt-4o-mini", 1_000_000, 0, when) == pytest.approx(0.15)


@pytest.mark.parametrize(
    ("model", "local"),
    [("ollama/llama3", True), ("llama3:latest", True), ("gpt-4o", False), ("", False), (None, False)],
)
def test_local_models_are_recognised(model: object, local: bool) -> None:
    """A model is local if its id looks like those of the plugins for local models."""
    assert is_local(model) is local


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Cost(), ""),
        (Cost(None, 3, 3, 0, 3), "local"),
        (Cost(None, 3, 3, 0, 1), ""),
        (Cost(3.312, 5, 5, 5, 0), "$3.31"),
        (Cost(3.312, 5, 5, 4, 1), "≥ $3.31"),
        (Cost(0.0004, 1, 1, 1, 0), "<$0.01"),
        (Cost(1234.5, 1, 1, 1, 0) + Cost(1, 1, 1, 1, 0), "$1,235.50"),
    ],
)
def test_costs_in_words(found: Cost, words: str) -> None:
    """Costs are shown to the cent, with “≥” if some calls have no price, and as “local” if all models are local."""
    assert found.words == words


def test_small_costs_have_more_digits() -> None:
    """The cost of one exchange may be a small fraction of a cent."""
    assert (small_dollars(0.00049), small_dollars(0.00001), small_dollars(2), dollars(0)) == (
        "$0.0005",
        "<$0.01",
        "$2.00",
        "$0.00",
    )
