"""A Datasette plugin for the tests: what each Datasette makes of files that don't change is made once per process."""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType
from typing import Any

from datasette import app, hookimpl
from datasette.plugins import pm
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket


class _Compiled(BytecodeCache):
    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code is not None
        self._kept[bucket.key, bucket.checksum] = bucket.code


_COMPILED = _Compiled()


@hookimpl  # type: ignore[untyped-decorator]
def prepare_jinja2_environment(env: Environment) -> None:
    """Let environments share compiled templates."""
    env.bytecode_cache = _COMPILED


Listed = list[dict[str, Any]]


def listed_once(list_plugins: Callable[[], Listed]) -> Callable[[], Listed]:
    """Return a list of plugins that is made once for the same plugins: each time it reads what is installed."""
    made: dict[frozenset[Any], Listed] = {}

    def listed() -> Listed:
        registered = frozenset(pm.get_plugins())
        if registered not in made:
            made[registered] = list_plugins()
        return [dict(plugin) for plugin in made[registered]]

    return listed


app.get_plugins = listed_once(app.get_plugins)
