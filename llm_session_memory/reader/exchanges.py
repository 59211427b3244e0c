"""Read calls with their messages, from both generations of llm's tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..rules import thinking
from ..rules.fences import CLOSING, EXCERPTS, SOURCE, excerpts_in, has_all, is_ours, origin
from .prices import cost
from .source import Source, ids
from .values import Call, HeldAttachment, Piece, Said


def calls(source: Source, turn_ids: Iterable[str]) -> dict[str, Call]:
    """Return model calls by id, each with its new input and its output."""
    wanted = list(turn_ids)
    found = _todays(source, wanted)
    missing = [turn_id for turn_id in wanted if turn_id not in found]
    return found | (_older(source, missing) if missing else {})


def system_prompt(source: Source, turn_id: str) -> str | None:
    """Return the system prompt of a call. Use it for early calls: it reads the call's whole history."""
    old = source.query("select system from responses where id = :id", id=turn_id)
    new = source.rows("chain", tip=_parent(source, turn_id))
    if new and new[0]["role"] == "system":
        said = _messages(source, [{"turn_id": turn_id, "is_output": 0, **new[0]}])
        return "".join(piece.text for message in said[turn_id] for piece in message.pieces)
    return (old[0]["system"] or None) if old else None


def chain_messages(source: Source, rows: Iterable[Mapping[str, Any]]) -> tuple[Said, ...]:
    """Return the messages with these hashes and roles, each with its pieces."""
    return _messages(source, [{"turn_id": "", **row} for row in rows]).get("", ())


def _parent(source: Source, turn_id: str) -> str | None:
    found = source.query("select parent_message_hash as hash from turns where id = :id", id=turn_id)
    return found[0]["hash"] if found else None


def parsed(text: str | None) -> Any:
    """Return the value of a JSON text, or None if it is empty or invalid."""
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None


def _todays(source: Source, wanted: list[str]) -> dict[str, Call]:
    asked = ids(wanted)
    messages = _messages(source, source.rows("turn_messages", ids=asked))
    originals = "select * from memory_originals where turn_id in (select value from json_each(:ids))"
    for row in source.query(originals, ids=asked):
        whole = parsed(row["messages_json"])
        if isinstance(whole, list):
            output = tuple(m for m in messages.get(row["turn_id"], ()) if m.role == "assistant")
            messages[row["turn_id"]] = (*filter(None, map(_of_wire, whole)), *output)
    return {
        row["id"]: Call(
            id=row["id"],
            model=row["model"] or "",
            messages=messages.get(row["id"], ()),
            datetime_utc=row["datetime_utc"] or "",
            duration_ms=row["duration_ms"],
            input_tokens=row["input_tokens"],
            output_tokens=row["output_tokens"],
            cost=row["cost"],
            tools=tuple(parsed(row["tools"]) or ()),
            estimate=row["estimate"],
            cut=row["cut"],
            schema=_text(row["schema_json"]),
        )
        for row in source.rows("calls", ids=asked)
    }


def _messages(source: Source, found: list[dict[str, Any]]) -> dict[str, tuple[Said, ...]]:
    """Return the messages of turns, each with its pieces."""
    parts = source.rows("parts", hashes=ids({row["hash"] for row in found}))
    payloads = [payload if isinstance(payload := parsed(part["payload"]), dict) else {} for part in parts]
    fragments = _fragments(source, payloads)
    held = attachments(source, (id_ for payload in payloads for id_ in _attachment_ids(payload)))
    pieces: dict[str, list[Piece]] = {}
    for part, payload in zip(parts, payloads, strict=True):
        pieces.setdefault(part["message_hash"], []).extend(_pieces(part, payload, fragments, held))
    said: dict[str, list[Said]] = {}
    for row in found:
        message = _with_reasoning(Said(row["role"] or "", tuple(pieces.get(row["hash"], ()))))
        said.setdefault(row["turn_id"], []).append(message)
    return {turn_id: tuple(messages) for turn_id, messages in said.items()}


def _with_reasoning(said: Said) -> Said:
    """Return a message with the thinking in its texts as reasoning."""
    if said.role != "assistant" or not any("think" in piece.text.lower() for piece in said.pieces):
        return said
    found: list[Piece] = []
    for piece in said.pieces:
        if piece.kind != "text":
            found.append(piece)
            continue
        found += (
            replace(piece, kind="reasoning" if thought else "text", text=text)
            for thought, text in thinking.pieces(piece.text)
        )
    return replace(said, pieces=tuple(found))


def _pieces(
    part: Mapping[str, Any],
    payload: Mapping[str, Any],
    fragments: Mapping[int, tuple[str, str]],
    held: Mapping[str, HeldAttachment],
) -> Iterator[Piece]:
    kind = str(part["type"])
    given = tuple(held.get(id_, HeldAttachment(id_, "")) for id_ in _attachment_ids(payload))
    name = _text(payload.get("name"))
    if kind == "tool_call":
        yield Piece(kind, _shown(payload.get("arguments")), name, call=_text(payload.get("tool_call_id")))
    elif kind == "tool_result":
        yield Piece(kind, _text(payload.get("output")), name, given, _text(payload.get("tool_call_id")))
    elif kind == "attachment":
        yield Piece(kind, attachments=given)
    elif kind in ("text", "reasoning") and isinstance(payload.get("text_ref"), list):
        joined = ""  # llm joins fragments and prompt with line breaks, which excerpts have as their own
        for reference in payload["text_ref"]:
            if isinstance(reference, dict) and "fragment" in reference:
                source, content = fragments.get(reference["fragment"], (f"fragment {reference['fragment']}", ""))
                joined = "" if is_ours(source) and content.endswith("\n") else "\n"
                yield from _of_fragment(content if joined else content[:-1], source)
            elif isinstance(reference, dict):
                literal = _text(reference.get("literal"))
                if literal.strip("\n"):
                    yield Piece(kind, literal.removeprefix(joined))
    elif kind in ("text", "reasoning"):
        yield Piece(kind, _text(part["text"] if part["text"] is not None else payload.get("text")))
    else:
        yield Piece("other", _shown({**payload, "text": part["text"]}), kind, given)


def _of_fragment(content: str, source: str) -> Iterator[Piece]:
    """Yield the pieces of a fragment: several if it has all excerpts of a prompt."""
    found = excerpts_in(content) if has_all(source) else []
    if not found:
        yield Piece(_fragment_kind(source), content, source)
        return
    begin, end = content.index(found[0]), content.rindex(f"\n{CLOSING}")
    yield Piece("fence", content[: begin - 1], source)
    for one in found:
        yield Piece("excerpt", one, f"{source.removesuffix(EXCERPTS)}/{origin(one)}")
    yield Piece("fence", content[end + 1 :], source)


def _fragment_kind(source: str) -> str:
    """Return the kind of a fragment: the user's own, a recalled excerpt, or the fence around excerpts."""
    if not is_ours(source):
        return "fragment"
    return "fence" if source in (f"{SOURCE}opening", f"{SOURCE}closing") or has_all(source) else "excerpt"


def _text(value: Any) -> str:
    """Return any value as text that can be encoded in UTF-8."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else _shown(value)
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _shown(value: Any) -> str:
    try:
        return _text(json.dumps({} if value is None else value, ensure_ascii=False))
    except (ValueError, RecursionError):
        return _text(str(value))


def _fragments(source: Source, payloads: Iterable[Mapping[str, Any]]) -> dict[int, tuple[str, str]]:
    """Return the name and content of the fragments that message parts refer to."""
    wanted = {
        piece["fragment"]
        for payload in payloads
        for piece in (payload.get("text_ref") if isinstance(payload.get("text_ref"), list) else None) or ()
        if isinstance(piece, dict) and isinstance(piece.get("fragment"), int)
    }
    if not wanted:
        return {}
    sql = (
        "select id, coalesce(source, hash) as name, content from fragments"
        " where id in (select value from json_each(:ids))"
    )
    found = source.query(sql, ids=json.dumps(sorted(wanted)))
    return {row["id"]: (_text(row["name"]), _text(row["content"])) for row in found}


def _attachment_ids(payload: Mapping[str, Any]) -> list[str]:
    one, several = payload.get("attachment"), payload.get("attachments")
    held = [one, *(several if isinstance(several, list) else [])]
    return [str(entry["id"]) for entry in held if isinstance(entry, dict) and entry.get("id")]


def attachments(source: Source, wanted: Iterable[str]) -> dict[str, HeldAttachment]:
    """Return attachments by id, without their bytes."""
    some = sorted(set(wanted))
    if not some:
        return {}
    sql = (
        "select id, type, path, url, length(content) as size from attachments"
        " where id in (select value from json_each(:ids))"
    )
    return {
        row["id"]: HeldAttachment(row["id"], row["type"] or "", row["path"], row["url"], row["size"])
        for row in source.query(sql, ids=ids(some))
    }


def _of_wire(message: Any) -> Said | None:
    """Return a message from llm's wire form, which stores the originals of shortened texts."""
    if not isinstance(message, dict) or not isinstance(message.get("parts"), list):
        return None
    pieces: list[Piece] = []
    for part in message["parts"]:
        if isinstance(part, dict):
            pieces.extend(_pieces({"type": part.get("type"), "text": part.get("text")}, part, {}, {}))
    return _with_reasoning(Said(str(message.get("role") or ""), tuple(pieces)))


def _older(source: Source, wanted: list[str]) -> dict[str, Call]:
    """Return the calls that only an older llm logged."""
    found = source.rows("old_calls", ids=ids(wanted))
    held = attachments(
        source,
        (
            id_
            for row in found
            for id_ in (*json.loads(row["attachment_ids"]), *(a["id"] for a in json.loads(row["result_attachments"])))
        ),
    )
    thoughts = _thoughts(source, wanted) if found else {}
    return {row["id"]: _old_call(row, held, thoughts.get(row["id"])) for row in found}


def _thoughts(source: Source, wanted: list[str]) -> dict[str, str]:
    """Return the reasoning of responses, if the log has a column for it: llm before 0.32 had none."""
    columns = {row["name"] for row in source.query("select name from pragma_table_info('responses')")}
    if "reasoning" not in columns:
        return {}
    sql = "select id, reasoning from responses where id in (select value from json_each(:ids)) and reasoning <> ''"
    return {row["id"]: row["reasoning"] for row in source.query(sql, ids=ids(wanted))}


def _old_call(row: Mapping[str, Any], held: Mapping[str, HeldAttachment], thought: str | None) -> Call:
    of_results: dict[int, list[HeldAttachment]] = {}
    for entry in json.loads(row["result_attachments"]):
        of_results.setdefault(entry["result"], []).append(held.get(entry["id"], HeldAttachment(entry["id"], "")))
    results = [
        Piece(
            "tool_result",
            _text(result["output"]),
            _text(result["name"]),
            tuple(of_results.get(result["id"], ())),
            _text(result["call"]),
        )
        for result in json.loads(row["tool_results"])
    ]
    asked = [Piece("fragment", _text(f["content"]), _text(f["name"])) for f in json.loads(row["fragments"])]
    asked += [Piece("text", _text(row["prompt"]))] if row["prompt"] else []
    asked += [
        Piece("attachment", attachments=(held.get(i, HeldAttachment(i, "")),))
        for i in json.loads(row["attachment_ids"])
    ]
    said = [Piece("reasoning", _text(thought))] if thought else []
    said += [Piece("text", _text(row["response"]))] if row["response"] else []
    said += [
        Piece("tool_call", _text(call["arguments"] or "{}"), _text(call["name"]), call=_text(call["call"]))
        for call in json.loads(row["tool_calls"])
    ]
    reply = _with_reasoning(Said("assistant", tuple(said)))
    messages = [Said("tool", tuple(results)), Said("user", tuple(asked)), reply]
    return Call(
        id=row["id"],
        model=row["model"] or "",
        messages=tuple(message for message in messages if message.pieces),
        datetime_utc=row["datetime_utc"] or "",
        duration_ms=row["duration_ms"],
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        cost=cost(row["model"], row["input_tokens"], row["output_tokens"], row["datetime_utc"]),
        tools=tuple(json.loads(row["tools"])),
        older=True,
        schema=_text(row["schema_json"]),
    )
