"""What local servers answer: any JSON can be read, and errors that name the context window are recognised."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.rules import local_servers as rules
from llm_session_memory.rules.overflows import Overflow, overflow
from tests.world.laws import tried

_NAMES = st.sampled_from(
    """
    data id owned_by meta n_ctx n_ctx_train max_model_len default_generation_settings params state loaded_context_length
    max_context_length value models model context_length model_info llama.context_length parameters version type
    """.split()
)
_VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["tiny", "loaded", "llamacpp", "9"])
_ANSWERS = st.recursive(
    _VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=5), max_leaves=12
)


@tried(100)
@given(answer=_ANSWERS)
def test_any_answer_can_be_read(answer: Any) -> None:
    """Whatever a server answers, a window is a number of tokens that a log can hold, or unknown."""
    listed = rules.listed(answer, "tiny")
    studio = rules.lm_studio(answer, "tiny")
    ollama = rules.ollama(answer, answer, "tiny")
    rules.is_ollama(answer)
    found = [listed.window, listed.trained, rules.props(answer), rules.kobold(answer), ollama.loaded, ollama.configured]
    found += [ollama.trained, *((studio.loaded, studio.trained) if studio else ())]
    assert all(window is None or 0 < window < 2**31 for window in found)


_LLAMA = "request (4390 tokens) exceeds the available context size (4096 tokens), try increasing it"
ERRORS = {
    f"Error code: 400 - {{'error': {{'message': '{_LLAMA}', 'n_prompt_tokens': 4390, 'n_ctx': 4096}}}}": (4_096, 4_390),
    _LLAMA: (4_096, 4_390),
    '{"error":{"code":400,"message":"too long","n_prompt_tokens":1407,"n_ctx":256}}': (256, 1_407),
    "Trying to keep the first 10136 tokens when context the overflows. However, the model is loaded with context "
    "length of only 7866 tokens, which is not enough.": (7_866, 10_136),
    "The number of tokens to keep from the initial prompt is greater than the context length (n_keep: 13055>= n_ctx: "
    "4096). Try to load the model with a larger context length": (4_096, 13_055),
    "This model's maximum context length is 16384 tokens. However, you requested 122946 tokens (112946 in the "
    "messages, 10000 in the completion).": (16_384, 122_946),
    "This model's maximum context length is 2048 tokens. However, your request has 8 input tokens plus 2045 "
    "'max_tokens'. Please reduce one or the other.": (2_048, None),
    "This model's maximum context length is 3 tokens. However, your request has 8 input tokens.": None,
    "the request exceeds the available context size. try increasing the context size": None,
    "Rate limit reached: limit 30000 tokens, requested 40000 tokens": None,
}


@pytest.mark.parametrize(("error", "found"), ERRORS.items())
def test_an_error_that_names_the_window(error: str, found: tuple[int, int | None] | None) -> None:
    """The errors of llama.cpp's server, LM Studio, vLLM and others have the window, and most what was needed."""
    assert overflow(error) == (Overflow(*found) if found else None)


@pytest.mark.parametrize("digits", [10, 20, 5_000])
def test_a_number_that_no_window_has_is_another_error(digits: int) -> None:
    """A number that no log could hold, or Python read, is no window and no count of a request."""
    absurd = "9" * digits
    assert overflow(f"'n_ctx': {absurd}") is None
    assert overflow(f"'n_prompt_tokens': {absurd}, 'n_ctx': 4096") == Overflow(4096)
