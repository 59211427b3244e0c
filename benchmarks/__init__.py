"""Measurements of what sessions cost, run by hand: see README.md. Never timed in tests."""
