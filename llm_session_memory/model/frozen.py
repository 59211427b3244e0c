"""`dataclass` as the standard library has it, but each method is made only when it is first used.

The standard library makes seven methods of each frozen class when the class is defined, which takes half a millisecond.
A prompt in a session loads 36 such classes, needs a third of these methods, and would wait 20 ms for all of them.
Types, fields and behaviour are those of the standard library; tests compare the two.
"""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, Field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

_Value = TypeVar("_Value")

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
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
    for name, value in defaults.items():
        if isinstance(value, Field):
            _shown(cls, name, value)
    for names, make in _MADE.items():
        for name in names:
            setattr(cls, name, (_LaterInit if name == "__init__" else _Later)(make, cls, defaults, name))
    cls.__setattr__, cls.__delattr__ = _refuse_to_set, _refuse_to_delete  # type: ignore[assignment, method-assign]
    return cls


_COMPARING = ("__eq__", "__hash__", "__repr__")


def replace(value: _Value, **changes: Any) -> _Value:
    """Return a value of a class of this module with other fields, without making what `dataclasses.replace` needs."""
    return type(value)(**{name: getattr(value, name) for name in type(value).__annotations__} | changes)


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


class _LaterInit(_Later):
    """Stands for the `__init__` of a class: it fills the first values itself.

    Compiling an `__init__` takes as long as filling a hundred values, and in most commands most classes have few.
    """

    _first = 16

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        if not self._first or not isinstance(instance, self._cls):  # a signature is made from the class
            return super().__get__(instance, owner)
        self._first -= 1
        return partial(self._fill, instance)

    def _fill(self, instance: object, /, *given: Any, **named: Any) -> None:
        names = self._cls.__annotations__
        values = _values(names, self._defaults, given, named)
        if values is None:  # the compiled one raises Python's own error
            super().__get__(instance)(*given, **named)
            return
        for name, value in zip(names, values, strict=True):
            object.__setattr__(instance, name, value)


def _values(
    names: Collection[str], defaults: Mapping[str, Any], given: tuple[Any, ...], named: Mapping[str, Any]
) -> list[Any] | None:
    """Return the value of each field, or None if these arguments are not those of the fields."""
    values, found = list(given), 0
    for name in islice(names, len(given), None):
        if name in named:
            value = named[name]
            found += 1
        else:
            value = defaults.get(name, MISSING)
            if isinstance(value, Field):
                value = value.default if value.default_factory is MISSING else value.default_factory()
            if value is MISSING:
                return None
        values.append(value)
    return values if found == len(named) and len(values) == len(names) else None


def _initialised(cls: type, defaults: dict[str, Any]) -> None:
    """Make the `__init__` alone: few classes need their fields too, which take three times as long."""
    cls.__init__ = _init(cls, defaults)  # type: ignore[misc]


def _with_fields(cls: type, defaults: dict[str, Any]) -> None:
    """Make the fields."""
    made = _copy(cls, defaults, init=False, repr=False, eq=False)
    fields: dict[str, Field[Any]] = made.__dataclass_fields__
    params = made.__dataclass_params__
    params.frozen = params.init = params.repr = params.eq = True
    cls.__dataclass_fields__ = fields  # type: ignore[attr-defined]
    cls.__dataclass_params__ = params  # type: ignore[attr-defined]
    cls.__match_args__ = made.__match_args__  # type: ignore[attr-defined, misc]


def _shown(cls: type, name: str, field: Field[Any]) -> None:
    """Show a field's value on the class if it always has the same one to begin with, as dataclasses do."""
    if field.default is not MISSING:
        setattr(cls, name, field.default)
    else:
        delattr(cls, name)


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


def _init(cls: type, defaults: dict[str, Any]) -> Any:
    """Return an `__init__` with a parameter for each field; a field with a factory gets a new value from it."""
    known: dict[str, Any] = {"_set": object.__setattr__, "_missing": MISSING}
    parameters, lines = [], []
    for name in cls.__annotations__:
        given = defaults.get(name, MISSING)
        factory = given.default_factory if isinstance(given, Field) else MISSING
        first = given.default if isinstance(given, Field) else given
        value, default = name, ""
        if first is not MISSING:
            known[f"_default_{name}"] = first
            default = f" = _default_{name}"
        elif factory is not MISSING:
            known[f"_make_{name}"] = factory
            value, default = f"_make_{name}() if {name} is _missing else {name}", " = _missing"
        parameters.append(f"{name}{default}")
        lines.append(f"    _set(self, {name!r}, {value})")
    exec(f"def __init__(self, {', '.join(parameters)}):\n" + "\n".join(lines), known)  # noqa: S102  as dataclasses do
    made = known["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    made.__module__ = cls.__module__
    made.__annotations__ = {**cls.__annotations__, "return": None}
    return made


def _refuse_to_set(self: object, name: str, value: object) -> None:
    del self, value
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: object, name: str) -> None:
    del self
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


_MADE: dict[tuple[str, ...], Callable[[type, dict[str, Any]], None]] = {
    ("__init__",): _initialised,
    ("__dataclass_fields__", "__dataclass_params__", "__match_args__"): _with_fields,
    _COMPARING: _comparable,
}
"""What is made together, and what makes it."""
