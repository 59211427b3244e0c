"""Remotes: PostgreSQL, MongoDB and folders, behind the interface of `model.remotes.Remote`."""
