"""`dataclass` as the standard library has it, but each method is made only when it is first used.

The standard library makes seven methods of each frozen class when the class is defined, which takes half a millisecond.
A prompt in a session loads 36 such classes, needs a third of these methods, and would wait 20 ms for all of them.
Types, fields and behaviour are those of the standard library; tests compare the two.
"""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from dataclasses import MISSING, Field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass as dataclass  # noqa: PLC0414  to type checkers it is the same
else:

    def dataclass(*, frozen: bool) -> Callable[[type], type]:
        """Make a class of annotated fields a dataclass that never changes."""
        if not frozen:
            raise TypeError("Use dataclasses.dataclass for values that change.")
        return _frozen


def _frozen(cls: type) -> type:
    """Give a class what makes its methods on first use."""
    defaults = {name: cls.__dict__[name] for name in cls.__annotations__ if name in cls.__dict__}
    for name in _FIRST:
        setattr(cls, name, _Later(_with_fields, cls, defaults, name))
    for name in _COMPARING:
        setattr(cls, name, _Later(_comparable, cls, defaults, name))
    cls.__setattr__, cls.__delattr__ = _refuse_to_set, _refuse_to_delete  # type: ignore[assignment, method-assign]
    return cls


_FIRST = ("__init__", "__dataclass_fields__", "__dataclass_params__", "__match_args__")
_COMPARING = ("__eq__", "__hash__", "__repr__")


class _Later:
    """Stands for an attribute of a class until it is first asked for."""

    def __init__(self, make: Callable[[type, dict[str, Any]], None], *about: Any) -> None:
        self._make = make
        self._cls, self._defaults, self._name = about

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        if self._cls.__dict__[self._name] is self:
            self._make(self._cls, self._defaults)
        found = self._cls.__dict__[self._name]
        return found.__get__(instance, owner) if callable(found) else found


def _with_fields(cls: type, defaults: dict[str, Any]) -> None:
    """Make the fields, and the `__init__` that sets them."""
    made = _copy(cls, defaults, init=False, repr=False, eq=False)
    fields: dict[str, Field[Any]] = made.__dataclass_fields__
    for name, field in fields.items():
        if field.default is not MISSING:
            setattr(cls, name, field.default)
        else:
            with suppress(AttributeError):  # it had no value, or another thread was here
                delattr(cls, name)
    params = made.__dataclass_params__
    params.frozen = params.init = params.repr = params.eq = True
    cls.__dataclass_fields__ = fields  # type: ignore[attr-defined]
    cls.__dataclass_params__ = params  # type: ignore[attr-defined]
    cls.__match_args__ = made.__match_args__  # type: ignore[attr-defined, misc]
    cls.__init__ = _init(cls, fields)  # type: ignore[misc]


def _comparable(cls: type, defaults: dict[str, Any]) -> None:
    """Make the methods that compare and show values, as the standard library makes them."""
    made = _copy(cls, defaults, frozen=True)
    for name in _COMPARING:
        setattr(cls, name, getattr(made, name))


def _copy(cls: type, defaults: dict[str, Any], **options: bool) -> Any:
    """Return a dataclass with the same name and fields."""
    members = {
        "__module__": cls.__module__,
        "__qualname__": cls.__qualname__,
        "__annotations__": cls.__annotations__,
        "__doc__": cls.__doc__,
    }
    return dataclasses.dataclass(**options)(type(cls.__name__, (), {**members, **defaults}))


def _init(cls: type, fields: dict[str, Field[Any]]) -> Any:
    """Return an `__init__` with a parameter for each field; a field with a factory gets a new value from it."""
    known: dict[str, Any] = {"_set": object.__setattr__, "_missing": MISSING}
    parameters, lines = [], []
    for name, field in fields.items():
        value, default = name, ""
        if field.default is not MISSING:
            known[f"_default_{name}"] = field.default
            default = f" = _default_{name}"
        elif field.default_factory is not MISSING:
            known[f"_make_{name}"] = field.default_factory
            value, default = f"_make_{name}() if {name} is _missing else {name}", " = _missing"
        parameters.append(f"{name}{default}")
        lines.append(f"    _set(self, {name!r}, {value})")
    exec(f"def __init__(self, {', '.join(parameters)}):\n" + "\n".join(lines), known)  # noqa: S102  as dataclasses do
    made = known["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    made.__module__ = cls.__module__
    made.__annotations__ = {name: field.type for name, field in fields.items()} | {"return": None}
    return made


def _refuse_to_set(self: object, name: str, value: object) -> None:
    del self, value
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: object, name: str) -> None:
    del self
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
