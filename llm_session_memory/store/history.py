"""Reading what llm logged: exchanges, chains, tools. Covers both generations of its tables; nothing here writes."""

from __future__ import annotations

import base64
import json
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..model import Attachment, Exchange, Message, Part, Settings, Turn
from .file_at import file_at
from .forks import joined, lineage
from .log import Log
from .numbering import Numbering, Pair, paired, with_older, without
from .schema import statement
from .undone import undone_in


def exchange_turns(log: Log, thread_id: str) -> Numbering:
    """Return the turn ids of each exchange of a thread, oldest first: the session's numbering.

    A turn that continues an exchange joins the one that its request belonged to, if that was recorded; otherwise the
    one before it. If two processes prompt at the same time, their turns can be interleaved. Exchanges that were undone
    are left out. A fork has those of the thread that it was forked from, up to that point, before its own.
    """
    undone = undone_in(log, thread_id)
    line = lineage(log, thread_id)
    if len(line) > 1:
        return joined(line, [[*_own(log, one)] for one, _ in line], undone)
    return without(_own(log, thread_id), undone)


def end(log: Log, thread_id: str) -> tuple[str | None, int]:
    """Return the turn that was logged last in a thread, and how many exchanges it has: without reading them all.

    If no session recorded that turn, or if exchanges were undone, they are read after all.
    """
    sql = (
        "select t.id, c.number from turns t left join memory_contexts c on c.turn_id = t.id"
        " where t.thread_id = :thread_id order by t.rowid desc limit 1"
    )
    row = log.row(sql, {"thread_id": thread_id})
    if row is not None and row["number"] is not None and not undone_in(log, thread_id):
        return row["id"], row["number"]
    numbering = exchange_turns(log, thread_id)
    return numbering.greatest, len(numbering)


def every_exchange(log: Log, thread_id: str) -> Numbering:
    """Return the turn ids of each exchange of a thread as `exchange_turns` does, but with those that were undone."""
    line = lineage(log, thread_id)
    if len(line) > 1:
        return joined(line, [[*_own(log, one)] for one, _ in line], ())
    return Numbering(_own(log, thread_id))


def own_turns(log: Log, thread_id: str) -> list[str]:
    """Return the ids of the turns that were logged in a thread, undone ones too, but nothing that a fork shares."""
    return [turn_id for turn_id, _ in _own(log, thread_id)]


def own_exchanges(log: Log, thread_id: str) -> Numbering:
    """Return the exchanges that were logged in a thread, undone ones too, but nothing that a fork shares."""
    return Numbering(_own(log, thread_id))


def own_count(log: Log, thread_id: str) -> int:
    """Return how many turns were logged in a thread."""
    if is_old(log, thread_id):
        return len(own_turns(log, thread_id))
    return int(log.value("select count(*) from turns where thread_id = :id", {"id": thread_id}))


def _own(log: Log, thread_id: str) -> Iterator[Pair]:
    turns = _new(log, thread_id)
    if is_old(log, thread_id):
        older = log.stream(statement("responses_of_conversation"), {"thread_id": thread_id})
        return with_older([*older], [*turns])
    return turns


def _new(log: Log, thread_id: str) -> Iterator[Pair]:
    """Return the turns of a thread. A program that holds a long conversation remembers what it has looked up."""
    return paired(
        log.stream(statement("turns_of_thread"), {"thread_id": thread_id}),
        lambda hashes: log.tuples(statement("request_answers"), {"hashes": json.dumps(hashes)}),
        log.answers.setdefault(thread_id, {}),
    )


def undone_turns(log: Log, thread_ids: Iterable[str]) -> list[str]:
    """Return all turns that were logged in these threads and belong to exchanges that were undone there."""
    found: list[str] = []
    for thread_id in thread_ids:
        undone = [id_ for ids in exchange_turns(log, thread_id).undone for id_ in ids]
        own = {*own_turns(log, thread_id)} if undone and len(lineage(log, thread_id)) > 1 else {*undone}
        found += [id_ for id_ in undone if id_ in own]
    return found


def exchanges(log: Log, numbered: Iterable[tuple[int, Sequence[str]]], *, with_content: bool = True) -> list[Exchange]:
    """Return exchanges with their messages, given numbers and turn ids; `with_content` loads attachments' bytes."""
    wanted = list(numbered)
    ids = [turn_id for _, turn_ids in wanted for turn_id in turn_ids]
    turns = _turns(log, ids, with_content=with_content)
    missing = [id_ for id_ in ids if id_ not in turns]
    if missing:
        turns |= old_turns(log, missing, with_content=with_content)
    return [
        Exchange(number, tuple(turns[turn_id] for turn_id in turn_ids if turn_id in turns))
        for number, turn_ids in wanted
        if any(turn_id in turns for turn_id in turn_ids)
    ]


def chain(log: Log, tip: str | None) -> tuple[Message, ...]:
    """Return the chain of messages that ends at `tip`, oldest first."""
    if tip is None:
        return ()
    rows = log.rows(statement("chain"), {"tip": tip})
    parts, _ = _parts(log, [row["hash"] for row in rows], with_content=True)
    return tuple(_message(row, parts) for row in rows)


def chain_as_said(log: Log, tip: str | None) -> tuple[tuple[Message, ...], int]:
    """Return the chain of messages that ends at `tip`, without the excerpts that were recalled for its prompts.

    Also return how many of its messages, from the first, are exactly as they were sent.
    """
    if tip is None:
        return (), 0
    rows = log.rows(statement("chain"), {"tip": tip})
    parts, changed = _parts(log, [row["hash"] for row in rows], with_content=True, typed=_asked(rows))
    same = next((place for place, row in enumerate(rows) if row["hash"] in changed), len(rows))
    return tuple(_message(row, parts) for row in rows), same


def first_turn_tools(log: Log, thread_id: str) -> list[dict[str, Any]]:
    """Return the tools that the first turn of a thread offered, as rows of llm's tables.

    That of a fork is the first turn of the thread that its history begins with.
    """
    return log.rows(statement("first_turn_tools"), {"thread_id": lineage(log, thread_id)[0][0]})


def settings_of(log: Log, turn_id: str) -> Settings:
    """Return the settings of a call, of either generation: a conversation that gets a name keeps them."""
    row = log.row("select model, options_json, tip_message_hash from turns where id = :id", {"id": turn_id})
    if row is not None:
        sent = chain(log, row["tip_message_hash"])
        system = sent[0].text if sent and sent[0].role == "system" else None
    else:
        row = log.row("select model, options_json, system from responses where id = :id", {"id": turn_id}) or {}
        system = row.get("system")
    return Settings(row.get("model"), system, _payload(row.get("options_json")))


def is_known(log: Log, thread_id: str) -> bool:
    """Return whether a conversation has exchanges: logged in either generation of llm's tables, or shared by a fork."""
    if len(lineage(log, thread_id)) > 1:
        return True
    tables = {"turns": "thread_id", "responses": "conversation_id"}
    return any(
        log.value(f"select 1 from {table} where {column} = :id limit 1", {"id": thread_id})  # noqa: S608  constants
        for table, column in tables.items()
        if log.columns(table)
    )


def newest_turn(log: Log) -> str | None:
    """Return the greatest id of all turns and responses of a log."""
    return _greatest(log, "turns", "responses")


def _greatest(log: Log, *tables: str) -> str | None:
    found = [log.value(f"select max(id) from {table}") for table in tables if log.columns(table)]  # noqa: S608  constants
    return max((str(id_) for id_ in found if id_), default=None)


def is_old(log: Log, thread_id: str) -> bool:
    """Return whether an older llm knew this conversation. Checked first: `responses` has no index for it."""
    if not log.columns("conversations") or not log.columns("responses"):
        return False
    return bool(log.value("select 1 from conversations where id = :id", {"id": thread_id}))


def _turns(log: Log, ids: list[str], *, with_content: bool) -> dict[str, Turn]:
    wanted = {"ids": json.dumps(ids)}
    messages = log.rows(statement("turn_messages"), wanted)
    hashes = [row["hash"] for row in messages]
    parts, _ = _parts(log, hashes, with_content=with_content, typed=_asked(messages))
    own: dict[tuple[str, int], list[Message]] = {}
    for row in messages:
        own.setdefault((row["turn_id"], row["is_output"]), []).append(_message(row, parts))
    fragments: dict[str, list[str]] = {}
    for row in log.rows(
        "select tf.turn_id, coalesce(f.source, f.hash) as source"
        " from turn_fragments tf join fragments f on f.id = tf.fragment_id"
        " where tf.kind = 'prompt' and tf.turn_id in (select value from json_each(:ids))"
        " and coalesce(f.source, '') not like 'session://%'"
        ' order by tf.turn_id, tf."order"',
        wanted,
    ):
        fragments.setdefault(row["turn_id"], []).append(row["source"])
    originals = {
        row["turn_id"]: tuple(map(_of_wire, json.loads(row["messages_json"])))
        for row in log.rows(
            "select * from memory_originals where turn_id in (select value from json_each(:ids))", wanted
        )
    }
    return {
        row["id"]: Turn(
            id=row["id"],
            model=row["model"] or "",
            input=originals.get(row["id"]) or tuple(own.get((row["id"], 0), ())),
            output=tuple(own.get((row["id"], 1), ())),
            datetime_utc=row["datetime_utc"] or "",
            duration_ms=row["duration_ms"],
            input_tokens=row["input_tokens"],
            output_tokens=row["output_tokens"],
            request_base=row["base"],
            block_id=row["block_id"],
            window=row["window"],
            cut=row["cut"],
            fragments=tuple(fragments.get(row["id"], ())),
            schema=row["schema_json"] or "",
        )
        for row in log.rows(statement("turns"), wanted)
    }


def _of_wire(message: Mapping[str, Any]) -> Message:
    """Return a message from llm's wire form, its attachments inline."""
    parts: list[Part] = []
    for part in message["parts"]:
        data = dict(part)
        held = [data.pop("attachment")] if data.get("attachment") else data.pop("attachments", [])
        parts.append(Part(data, tuple(_inline(attachment) for attachment in held)))
    return Message(message["role"], tuple(parts), message.get("provider_metadata"))


def _inline(attachment: Mapping[str, Any]) -> Attachment:
    content = attachment.get("content")
    raw = base64.b64decode(content) if content else None
    return Attachment("", attachment.get("type"), attachment.get("path"), attachment.get("url"), raw)


def _message(row: Mapping[str, Any], parts: Mapping[str, list[Part]]) -> Message:
    metadata = json.loads(row["provider_metadata"]) if row["provider_metadata"] else None
    return Message(row["role"], tuple(parts.get(row["hash"], ())), metadata)


def _parts(
    log: Log, hashes: list[str], *, with_content: bool, typed: Container[str] = ()
) -> tuple[dict[str, list[Part]], set[str]]:
    """Return the parts of messages by hash, with references to fragments and attachments resolved.

    The messages in `typed` are returned as they were typed, without the excerpts recalled for them. Also return the
    hashes of those that had excerpts.
    """
    rows = log.rows(statement("parts"), {"hashes": json.dumps(hashes)})
    payloads: list[dict[str, Any]] = []
    for row in rows:
        payload = _payload(row["payload"])
        payload["type"] = row["type"]
        if row["text"] is not None:
            payload["text"] = row["text"]
        payloads.append(payload)
    contents, ours = _fragment_contents(log, payloads)
    attachments = _attachments(log, [id_ for p in payloads for id_ in _attachment_ids(p)], with_content=with_content)
    found: dict[str, list[Part]] = {}
    changed: set[str] = set()
    for row, payload in zip(rows, payloads, strict=True):
        ids = _attachment_ids(payload)
        payload.pop("attachment", None)
        payload.pop("attachments", None)
        pieces = _pieces(payload)
        payload.pop("text_ref", None)
        used: tuple[str, ...] = ()
        if pieces:
            used = tuple(contents.get(piece["fragment"], "") for piece in pieces if "fragment" in piece)
            payload["text"] = "".join(
                piece["literal"] if "literal" in piece else contents.get(piece["fragment"], "") for piece in pieces
            )
            if row["message_hash"] in typed and pieces[0].get("fragment") in ours:
                from ..rules.fences import without_excerpts  # only after a prompt with excerpts

                payload["text"] = without_excerpts(payload["text"])
                used = tuple(fragment for fragment in used if fragment in payload["text"])
                changed.add(row["message_hash"])
        part = Part(payload, tuple(attachments[id_] for id_ in ids if id_ in attachments), used)
        found.setdefault(row["message_hash"], []).append(_without_lost_files(part) if with_content else part)
    return found, changed


def _payload(text: str | None) -> dict[str, Any]:
    """Return a JSON object of the log, or an empty one if llm can't have written it (the log is damaged or forged)."""
    try:
        found = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _pieces(payload: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the literals and the references to fragments that make up a part's text."""
    found = payload.get("text_ref")
    return [piece for piece in found if isinstance(piece, dict)] if isinstance(found, list) else []


def _without_lost_files(part: Part) -> Part:
    """Return a part that can be sent: llm stores only the path of an attached file, and the file may be gone."""
    kept = tuple(a for a in part.attachments if a.content or not a.path or file_at(a.path))
    if len(kept) == len(part.attachments):
        return part
    if part.type != "attachment":
        return replace(part, attachments=kept)
    lost = part.attachments[0]
    return Part({"type": "text", "text": f"[… {lost.type or 'an attachment'} left out here: {lost.path} is gone …]"})


def _asked(messages: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Return the hashes of the messages that a person wrote."""
    return frozenset(row["hash"] for row in messages if row["role"] == "user")


def _fragment_contents(log: Log, payloads: Iterable[Mapping[str, Any]]) -> tuple[dict[int, str], set[int]]:
    """Return the contents of fragments by id, and the ids of those in which a session sent excerpts."""
    ids = {piece["fragment"] for p in payloads for piece in _pieces(p) if isinstance(piece.get("fragment"), int)}
    if not ids:
        return {}, set()
    from ..rules.fences import is_ours  # many prompts have no fragments

    rows = log.rows(
        "select id, content, source from fragments where id in (select value from json_each(:ids))",
        {"ids": json.dumps(sorted(ids))},
    )
    return {row["id"]: row["content"] for row in rows}, {row["id"] for row in rows if is_ours(row["source"])}


def _attachment_ids(payload: Mapping[str, Any]) -> list[str]:
    one, several = payload.get("attachment"), payload.get("attachments")
    held = [one] if payload["type"] == "attachment" else several if isinstance(several, list) else []
    return [str(reference["id"]) for reference in held if isinstance(reference, dict) and "id" in reference]


def _attachments(log: Log, ids: Iterable[str], *, with_content: bool) -> dict[str, Attachment]:
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    content = "content" if with_content else "null as content"
    rows = log.rows(
        f"select id, type, path, url, {content} from attachments where id in (select value from json_each(:ids))",  # noqa: S608  one of two constants
        {"ids": json.dumps(wanted)},
    )
    return {row["id"]: Attachment(**row) for row in rows}


def old_turns(log: Log, ids: list[str], *, with_content: bool) -> dict[str, Turn]:
    """Return calls that only an older llm logged, in today's form."""
    if not log.columns("responses"):
        return {}
    found: dict[str, Turn] = {}
    rows = log.rows(statement("legacy_turns"), {"ids": json.dumps(ids)})
    attachments = _attachments(
        log, [id_ for row in rows for id_ in json.loads(row["attachment_ids"])], with_content=with_content
    )
    for row in rows:
        fragments = tuple(json.loads(row["fragments"]))
        asked: list[Message] = []
        results = [Part({"type": "tool_result", **result}) for result in json.loads(row["tool_results"])]
        if results:
            asked.append(Message("tool", tuple(results)))
        text = "\n".join([*fragments, *([row["prompt"]] if row["prompt"] else [])])
        user = [Part({"type": "text", "text": text}, (), fragments)] if text else []
        held = [attachments[id_] for id_ in json.loads(row["attachment_ids"]) if id_ in attachments]
        kept = [Part({"type": "attachment"}, (attachment,)) for attachment in held]
        user += map(_without_lost_files, kept) if with_content else kept
        if user:
            asked.append(Message("user", tuple(user)))
        said = [Part({"type": "text", "text": row["response"]})] if row["response"] else []
        said += [
            Part({"type": "tool_call", **call, "arguments": json.loads(call["arguments"] or "{}")})
            for call in json.loads(row["tool_calls"])
        ]
        found[row["id"]] = Turn(
            id=row["id"],
            model=row["model"] or "",
            input=tuple(asked),
            output=(Message("assistant", tuple(said)),) if said else (),
            datetime_utc=row["datetime_utc"] or "",
            duration_ms=row["duration_ms"],
            input_tokens=row["input_tokens"],
            output_tokens=row["output_tokens"],
            fragments=fragments,
        )
    return found
