"""Permissions, URLs, responses, and links on Datasette's own pages."""
