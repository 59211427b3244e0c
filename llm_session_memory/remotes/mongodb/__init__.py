"""A remote on a MongoDB server, named by its URI."""

from .remote import MongoRemote

__all__ = ["MongoRemote"]
