"""Tests of reading any log of llm."""
