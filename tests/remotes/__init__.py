"""Tests of the use cases, on a real log and with scripted models."""
