"""A remote that is a folder: on a drive, on a file server, or kept the same on several machines by another program."""

from .remote import FolderRemote

__all__ = ["FolderRemote"]
