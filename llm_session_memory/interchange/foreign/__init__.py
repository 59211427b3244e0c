"""Conversations of other tools: what their files have, as values, and one module for each kind of file."""
