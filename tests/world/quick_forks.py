"""The first import of the process that tests are forked from: the shortcuts of this suite, for all forks at once.

Without it, each fork that writes a new log would run all migrations, and import the part of us that it needs.
"""

from __future__ import annotations

import gc
from importlib import import_module
from pkgutil import walk_packages

from tests.world import quick_libraries, quick_tables  # isort: skip  # first: before anything imports sqlite3

import httpx

import llm_session_memory
from tests.world.processes import LOADED

quick_libraries.install()
quick_tables.install()
for _name in LOADED:
    import_module(_name)
for _module in walk_packages(llm_session_memory.__path__, "llm_session_memory."):
    import_module(_module.name)
quick_tables.prepare()
httpx.Client().close()  # it reads the certificates
gc.freeze()  # all that was imported is old from now on, so that forks seldom search it for garbage
gc.unfreeze()
gc.set_threshold(10_000, 20, 50)  # as in the tests' own processes
gc.enable()
