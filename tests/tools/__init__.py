"""Tests of the tools that models call, and of the fragment loader."""
