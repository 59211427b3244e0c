"""The classes of `model.frozen` behave as the standard library's do."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from llm_session_memory.model import Settings, frozen


class Fields:
    """One field of each kind."""

    number: int
    text: str = "a"
    given: list[int] = field(default_factory=list)
    unseen: list[int] = field(default_factory=list, repr=False, compare=False)
    none: str | None = None


def made(how: Any, *names: str) -> Any:
    """Return a new class with some of the fields, all if there are no names."""
    chosen = names or tuple(Fields.__annotations__)
    members = {name: Fields.__dict__[name] for name in chosen if name in Fields.__dict__}
    about = {"__annotations__": {name: Fields.__annotations__[name] for name in chosen}, "__qualname__": "Value"}
    return how(frozen=True)(type("Value", (), {**about, **members, "__module__": __name__, "__doc__": "A value."}))


def outcome(cls: Any, *given: Any, **named: Any) -> list[str]:
    """Return what can be observed of a value: whatever is shown, compared or raised."""
    looks: list[Any] = [
        lambda: repr(cls(*given, **named)),
        lambda: cls(*given, **named) == cls(*given, **named),
        lambda: cls(*given, **named) == cls(2, *given[1:], **named),
        lambda: cls(*given, **named) == given,
        lambda: hash(cls(*given, **named)) == hash(cls(*given, **named)),
        lambda: setattr(cls(*given, **named), "number", 1),
        lambda: setattr(cls(*given, **named), "other", 1),
        lambda: delattr(cls(*given, **named), "number"),
        lambda: dataclasses.replace(cls(*given, **named), number=7).number,
        lambda: dataclasses.asdict(cls(*given, **named)),
        lambda: [(one.name, one.type, one.repr, one.compare) for one in dataclasses.fields(cls)],
        lambda: ([*inspect.signature(cls).parameters], cls.__match_args__, cls.__dataclass_params__),
        lambda: copy.deepcopy(cls(*given, **named)) == cls(*given, **named),
        lambda: vars(cls(*given, **named)),
        lambda: (cls.text, hasattr(cls, "given")),
    ]
    found = []
    for look in looks:
        try:
            found.append(str(look()))
        except (TypeError, AttributeError) as error:  # noqa: PERF203  each is one of a few
            found.append(f"{type(error).__name__}: {error}")
    return found


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    ("given", "named"),
    [
        ((1,), {}),
        ((1, "b"), {"given": [1]}),
        ((), {}),
        ((1, "b", [], [], None, 6), {}),
        ((1,), {"x": 1}),
        ((1,), {"number": 1}),
    ],
)
def test_it_is_as_in_the_standard_library(given: tuple[Any, ...], named: dict[str, Any], *, compiled: bool) -> None:
    """Whatever is done to a value, and with it first, the result or the error is the same."""
    mine = made(frozen.dataclass)
    assert [*inspect.signature(made(frozen.dataclass)).parameters] == [*inspect.signature(made(dataclass)).parameters]
    if compiled:
        assert inspect.isfunction(mine.__init__)
    assert outcome(mine, *given, **named) == outcome(made(dataclass), *given, **named)


def test_a_class_of_many_values_compiles_its_init() -> None:
    """The first values are filled field by field, later ones by a compiled `__init__`; the result is the same."""
    cls = made(frozen.dataclass)
    values = [cls(1, given=[2]) for _ in range(10)]
    assert not inspect.isfunction(vars(cls)["__init__"])
    values += [cls(1, given=[2]) for _ in range(10)]
    assert inspect.isfunction(vars(cls)["__init__"])
    assert {repr(one) for one in values} == {repr(made(dataclass)(1, given=[2]))}


def test_values_without_lists_are_keys() -> None:
    """Equal values have equal hashes; values of another class are never equal."""
    mine, other = (made(frozen.dataclass, "number", "text") for _ in range(2))
    assert {mine(1): "x"}[mine(1)] == "x"
    assert hash(mine(1)) == hash(made(dataclass, "number", "text")(1))
    assert mine(1) != other(1)
    assert mine(1) != mine(2)


def test_values_are_stored_and_copied() -> None:
    """Values can be pickled, and each gets a list of its own."""
    cls = made(frozen.dataclass)
    assert cls(1).given is not cls(1).given
    assert pickle.loads(pickle.dumps(Settings("m"))) == Settings("m")


def test_threads_may_use_a_class_first_at_once() -> None:
    """Many threads that use a new class at the same time all get complete values."""
    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            cls = made(frozen.dataclass)
            assert len({repr(one) for one in pool.map(cls, [1] * 16)}) == 1


def test_only_frozen_values_are_made_later() -> None:
    """A class that changes needs the standard library's decorator."""
    with pytest.raises(TypeError, match="dataclasses.dataclass"):
        frozen.dataclass(frozen=False)


def test_a_value_with_other_fields_is_that_of_the_standard_library() -> None:
    """`frozen.replace` gives what `dataclasses.replace` gives, and refuses unknown fields, but makes no fields."""
    cls = made(frozen.dataclass)
    one = cls(1, text="b", given=[1])
    other = frozen.replace(one, number=7)
    assert isinstance(vars(cls)["__dataclass_fields__"], frozen._Later)
    assert other == dataclasses.replace(one, number=7)
    assert (one.number, other.given is one.given) == (1, True)
    with pytest.raises(TypeError, match="other"):
        frozen.replace(one, other=1)
