"""Queries, charts and replay timing."""
