"""Permissions, addresses, answers, and links on Datasette's own pages."""
