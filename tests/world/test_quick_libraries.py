"""Libraries that do less in tests give what they give otherwise."""

from __future__ import annotations

import llm


def test_llms_own_tools_have_the_same_schema_each_time() -> None:
    """A prompt that changes the schema of one of llm's tools doesn't change it for the next."""
    for name in ("llm_time", "llm_version"):
        schemas = []
        for _ in range(2):
            tool = llm.get_tools()[name]
            assert isinstance(tool, llm.Tool)
            schemas.append(dict(tool.input_schema))
            tool.input_schema["changed"] = True
        assert schemas == [{"properties": {}, "type": "object"}] * 2
