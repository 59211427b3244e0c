"""Read the text of a workflow's file into nodes that know their lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...errors import SessionError
from ...rules.workflows.nodes import Node, WorkflowRefused
from ..yaml_loader import loader

MOST_CHARACTERS = 1_000_000
"""How long a file may be: its text is kept with each run."""

_MOST_BYTES = 4 * MOST_CHARACTERS

_DEEPEST = 60

_PLAIN: dict[str, Callable[[str], Any]] = {
    "null": lambda _: None,
    "bool": lambda text: text.lower() == "true",
    "int": int,
    "float": float,
}


def read(path: Path) -> str:
    """Return the text of a file. Raises SessionError if it can't be read."""
    try:
        with path.open("rb") as stream:  # which may have no end, as a device
            content = stream.read(_MOST_BYTES + 1)
    except IsADirectoryError as error:
        raise SessionError(f"{path} is a folder.", "Name the workflow's file in it.") from error
    except FileNotFoundError as error:
        raise SessionError(f"File {path} not found.", "Check the path of the workflow.") from error
    except (OSError, ValueError) as error:
        raise SessionError(f"{path} can't be read: {error}.") from error
    if len(content) > _MOST_BYTES:
        raise _too_long(path.name)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise WorkflowRefused(f"Line {line:,} of {path.name}: This is not UTF-8 text.") from error


def _too_long(where: str) -> WorkflowRefused:
    return WorkflowRefused(f"{where} is longer than {MOST_CHARACTERS:,} characters.", "Move texts into fragments.")


def nodes(text: str, where: str) -> Node | None:
    """Return the nodes of a YAML text, or None if it is empty. Raises WorkflowRefused; errors call the file `where`."""
    import yaml

    if len(text) > MOST_CHARACTERS:
        raise _too_long(where)
    try:
        depth = 0
        for event in yaml.parse(text, Loader=loader()):
            if isinstance(event, yaml.AliasEvent):
                line = event.start_mark.line + 1
                hint = "Write the value out, or set it for all steps at the top of the file."
                raise WorkflowRefused(f"Line {line:,} of {where}: A workflow can't have an alias (*).", hint)
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                raise WorkflowRefused(f"Line {event.start_mark.line + 1:,} of {where}: This is nested too deeply.")
        root = yaml.compose(text, Loader=loader())
        return _node(root) if root is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"Line {mark.line + 1:,} of {where}" if mark else where
        raise WorkflowRefused(f"{place}: This is not YAML ({error.problem}).", _cure(str(error.problem))) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        said = str(error).splitlines()[0] if str(error) else "it can't be read"
        raise WorkflowRefused(f"{where} is not YAML ({said}).") from error


def _cure(problem: str) -> str:
    """Return what to do about a usual mistake: a template that begins a value, or a colon within it."""
    if "mapping values are not allowed" in problem:
        return "Put a text with a colon in quotes, or write it as a block: prompt: |"
    if "flow mapping" in problem or "found undefined" in problem or "unhashable" in problem:
        return "Put a text that begins with {{ in quotes."
    if "\\t" in problem or "cannot start any token" in problem:
        return "Indent with blanks, not tabs, and put texts with special characters in quotes."
    return ""


def _node(node: Any) -> Node:
    """Return a node of PyYAML as one of ours."""
    import yaml

    line = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return Node(tuple((_node(key), _node(value)) for key, value in node.value), line, mapping=True)
    if isinstance(node, yaml.SequenceNode):
        return Node(tuple(_node(one) for one in node.value), line)
    kind = node.tag.rpartition(":")[2]
    value = _PLAIN[kind](node.value) if kind in _PLAIN and not node.style else node.value
    return Node(value, line, text_line=line + (node.style in ("|", ">")))
