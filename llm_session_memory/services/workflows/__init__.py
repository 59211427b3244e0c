"""Workflows: read a file, check it before anything is sent, fill its templates, and make the items of its run."""
