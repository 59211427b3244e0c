"""Evidence recall: how much of the messages that answer a question is contained verbatim in what is sent with it."""

from __future__ import annotations

import io
import json
import re
import sqlite3
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from llm_session_memory.interchange.importing import into
from llm_session_memory.memory import Memory
from llm_session_memory.model import Context
from llm_session_memory.services.nearness import Embed, Near, Nearness
from llm_session_memory.store.index import Index, Scope

_SENTENCES = re.compile(r"(?<=[.!?])\s+|\n+")


def sentences(text: str) -> list[str]:
    """Return the sentences and lines of a text."""
    return [found.strip() for found in _SENTENCES.split(text) if found.strip()]


def evidence_recall(evidence: Sequence[str], sent: str) -> float:
    """Return the mean over messages of the share of their sentences, by length, that the sent text contains."""
    shares = []
    for message in evidence:
        parts = sentences(message)
        whole = sum(map(len, parts))
        shares.append(sum(len(part) for part in parts if part in sent) / whole if whole else 1.0)
    return mean(shares) if shares else 1.0


def evidence_of(line: Mapping[str, Any], question: Mapping[str, Any]) -> list[str]:
    """Return the messages of a conversation that answer a question."""
    return [line["exchanges"][number - 1][side] for number, side in question["evidence"]]


def text_of(made: Context) -> str:
    """Return all text that would be sent."""
    return "\n".join(message.text for message in made.messages)


def imported(log: Path, line: Mapping[str, Any], *, without: int = 0) -> str:
    """Import a conversation, except its last `without` exchanges; return its session's name."""
    name = f"{line['set']} {line['name']}"
    exchanges = line["exchanges"][: len(line["exchanges"]) - without]
    file = io.BytesIO("\n".join(json.dumps(exchange) for exchange in exchanges).encode())
    into(log, file, name, name)
    return name


def embedder(model: str) -> Embed:
    """Return a function that makes vectors: with a model of sentence-transformers in a folder, or one of llm's."""
    if not Path(model).is_dir():
        import llm

        return llm.get_embedding_model(model).embed_batch  # type: ignore[no-any-return]
    from sentence_transformers import SentenceTransformer

    loaded = SentenceTransformer(model, device="cpu")

    def embed(texts: Sequence[str]) -> list[list[float]]:
        return [list(map(float, vector)) for vector in loaded.encode(list(texts), show_progress_bar=False)]

    return embed


def remembering(embed: Embed, model: str, file: Path) -> Embed:
    """Return a function that makes vectors with `embed`, and keeps those of a model in a file for the next run."""
    known = sqlite3.connect(file)
    known.execute("create table if not exists vectors (model text, text text, vector blob, primary key (model, text))")
    asked = "select vector from vectors where model = ? and text = ?"

    def remembered(texts: Sequence[str]) -> list[Sequence[float]]:
        rows = {text: known.execute(asked, (model, text)).fetchone() for text in texts}
        missing = [text for text, row in rows.items() if row is None]
        made = dict(zip(missing, (array("f", vector) for vector in embed(missing)), strict=True))
        new = ((model, text, vector.tobytes()) for text, vector in made.items())
        known.executemany("insert or ignore into vectors values (?, ?, ?)", new)
        known.commit()
        return [made[text] if rows[text] is None else array("f", rows[text][0]) for text in texts]

    return remembered


def by_meaning(memory: Memory, name: str, embed: Embed, model: str) -> Near:
    """Embed all passages of a session; return a function that finds those near a prompt, with one call per prompt.

    The vectors are kept under the name of the model, where the session's own prompts look for them.
    """
    memory.desk.prepare()
    thread_id = memory.sessions.get(name).thread_id
    Index(memory.desk.log).catch_up(thread_id)
    nearness = Nearness(memory.desk, model, embed)
    nearness.catch_up(thread_id, seconds=None)
    known: dict[str, Mapping[int, float]] = {}

    def near(scopes: Sequence[Scope], prompt: str) -> Mapping[int, float]:
        if prompt not in known:
            known[prompt] = nearness.near(scopes, prompt)
        return known[prompt]

    return near
