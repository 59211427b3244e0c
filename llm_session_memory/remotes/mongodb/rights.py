"""Whether a user may write to a database, as the server says."""

from __future__ import annotations

from .server import Server

_NEEDED = {"find", "insert", "update", "remove"}


def may_write(server: Server) -> bool:
    """Return whether the server takes writes, and from this user."""
    from pymongo.errors import OperationFailure

    if not server.hello().get("isWritablePrimary", True):
        return False
    try:
        said = server.database.client.admin.command("connectionStatus", showPrivileges=True).get("authInfo", {})
    except OperationFailure:  # an older server, or one of another make
        return True
    if not said.get("authenticatedUsers"):  # it knows no users
        return True
    allowed: set[str] = set()
    for privilege in said.get("authenticatedUserPrivileges", ()):
        resource = privilege.get("resource", {})
        if resource.get("anyResource") or resource.get("db") in ("", server.database.name):
            allowed |= set(privilege.get("actions", ()))
    return allowed >= _NEEDED or "anyAction" in allowed
