"""Out and in again: nothing of a session is lost on the way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import llm
from sqlite_utils import Database

from llm_session_memory.memory import Memory
from tests.conftest import Command
from tests.interchange.world import PNG, content, exported, import_lines, old_conversation, rows, turns
from tests.world.scripted import Script


def test_all_that_happened_is_in_the_export(lived: Path, files: Path) -> None:
    """Messages, tools, fragments, attachments, options, schemas, tokens, times, pins, contexts, attempts, notes."""
    head, *lines = content(lived)
    assert head["model"] == "scripted"
    assert head["system"] == "Be brief."
    assert head["options"] == {"mood": "calm"}
    assert head["max_context_tokens"] == 220
    assert (head["tags"], head["meta"]) == (["Lisbon"], {"client": "harbour"})
    assert [note["text"] for note in head["notes"]] == ["The harbour office signs off."]
    assert [(one["first"], one["last"]) for one in head["summaries"]] == [(1, 2)]
    assert [line["attempt"]["prompt"] for line in lines if "attempt" in line] == ["Does it hold?", "And now?"]
    assert [line["attempt"].get("answered_by") for line in lines if "attempt" in line] == [4, None]
    assert [line["exchange"] for line in lines if line.get("pinned")] == [1]
    found = turns(lines)
    blocks = [turn["context"]["described"] for turn in found if "described" in turn["context"]]
    assert len(blocks) >= 3
    assert any(block.get("pinned") == [1] for block in blocks)
    assert any(block.get("start", 0) > 1 for block in blocks)
    assert [f["source"] for f in found[1]["fragments"]] == [str(files / "plan.txt")]
    assert "content" in json.dumps(found[1]["input"])
    assert found[2]["schema"]["properties"].keys() == {"name", "age"}
    called = next(turn for turn in found if turn.get("tools"))
    assert called["tools"][0]["name"] == "Tides_look"
    assert called["tools"][0]["arguments"] == {"year": 2027}
    assert found[-1]["instances"]
    assert all(turn["datetime_utc"] and turn["options"] == {"mood": "calm"} for turn in found[:4])
    assert all(turn["input_tokens"] for turn in found[:4])


def test_imported_into_the_same_log_it_is_the_same(lived: Path) -> None:
    """A session imported into its own log under another name exports the same."""
    import_lines(lived, exported(lived).splitlines(), "again")
    assert content(lived, "again") == content(lived)


def test_imported_into_another_log_it_is_the_same(lived: Path, fresh: Path) -> None:
    """A session imported into another log exports the same."""
    import_lines(fresh, exported(lived).splitlines())
    assert content(fresh) == content(lived)


def test_llms_own_tables_are_the_same(lived: Path, fresh: Path) -> None:
    """The imported turns have the same columns as the originals, and llm's search finds the same texts."""
    import_lines(fresh, exported(lived).splitlines())
    columns = (
        "model, resolved_model, options_json, schema_id, input_tokens, output_tokens, token_details, duration_ms,"
        " datetime_utc, response_json, prompt, response"
    )
    sql = f"select {columns} from turns left join turn_search on turn_id = turns.id order by turns.id"
    assert rows(fresh, sql) == rows(lived, sql)


def test_the_attached_files_may_be_gone_by_then(lived: Path, fresh: Path, files: Path) -> None:
    """An export has the bytes of attached files, so an import needs none of the files."""
    lines = exported(lived).splitlines()
    before = content(lived)
    (files / "deck.png").unlink()
    import_lines(fresh, lines)
    assert content(fresh) == before
    assert rows(fresh, "select content from attachments") == [(PNG,)]


def test_attachments_whose_file_is_gone_are_known_by_their_hash(lived: Path, fresh: Path, files: Path) -> None:
    """If the bytes can't be found any more, type, path and hash are kept."""
    (files / "deck.png").unlink()
    import_lines(fresh, exported(lived).splitlines())
    assert content(fresh) == content(lived)
    assert "id" in json.dumps(turns(content(fresh))[1]["input"])


def test_llm_finds_its_own_store_sound(lived: Path, fresh: Path) -> None:
    """llm's own check of its store passes after an import: every message has the hash of its content."""
    import_lines(fresh, exported(lived).splitlines())
    database = Database(fresh)
    assert llm.logs.LogStore(database).verify() == []
    database.close()


def test_texts_of_fragments_are_stored_once(lived: Path, fresh: Path) -> None:
    """An imported prompt refers to its fragment, as the original did."""
    import_lines(fresh, exported(lived).splitlines())
    sql = "select count(*) from part_fragments"
    assert rows(fresh, sql) == [(1,)]
    assert rows(fresh, "select count(*) from fragments") == [(1,)]


def test_what_an_older_llm_logged_is_all_there(fresh: Path, other: Path) -> None:
    """A conversation in the tables of llm up to 0.31 is exported whole, and imported into today's tables."""
    thread = old_conversation(fresh)
    with Memory(fresh) as memory:
        memory.sessions.name_thread(thread, "work")
    first, call, result, last = turns(content(fresh))
    assert first["system"] == "You are an engineer.\n\nBe brief."
    assert first["response_json"] == {
        "id": "x1",
        "text": "The harbour office signs off the foundations, says the plan. Nobody else does.",
        "of": ["The plan of the bridge."],
    }
    assert first["token_details"] == {"cached": 4}
    assert first["options"] == {"temperature": 0.5}
    assert [(f["of"], f.get("source")) for f in first["fragments"]] == [("prompt", "plan.txt"), ("system", None)]
    assert [part["type"] for part in first["input"][0]["parts"]] == ["text", "attachment"]
    assert [part["type"] for part in call["output"][0]["parts"]] == ["reasoning", "tool_call"]
    assert call["schema"] == {"type": "object"}
    assert call["tools"][0]["plugin"] == "tides"
    part = result["input"][0]["parts"][0]
    assert (part["exception"], part["attachments"][0]["type"]) == ("Late: it took long", "image/png")
    assert result["instances"] == {"c1": {"year": 2025}}
    assert last["duration_ms"] == 703
    import_lines(other, exported(fresh).splitlines())
    assert content(other) == content(fresh)
    assert rows(other, "select count(*) from turns") == [(4,)]
    assert rows(other, "select count(*) from responses") == [(0,)]


def test_a_session_of_both_generations_is_one_conversation(
    llm_: Command, script: Script, log: Path, fresh: Path
) -> None:
    """A conversation that an older llm began and today's continued is exported in order, and imported the same."""
    llm_("-m", "scripted", "An unrelated prompt, so that there is a log.").ok()
    thread = old_conversation(log)
    with Memory(log) as memory:
        memory.sessions.name_thread(thread, "work")
    llm_("--session", "work", "-m", "scripted", "And today?").ok()
    assert [line.get("exchange") for line in content(log)] == [None, 1, 2, 3, 4]
    import_lines(fresh, exported(log).splitlines())
    assert content(fresh) == content(log)


def test_prompts_of_two_processes_at_once_stay_two_exchanges(fresh: Path, other: Path) -> None:
    """Turns that alternate in the log stay in their own exchange."""
    work = {"base": 10.5, "estimate": 11, "block": 1}
    block = {"policy": "window", "budget": 4000, "front": "x"}
    import_lines(
        fresh,
        [
            {"turns": [_turn("One"), _tool_turn()], "pinned": True},
            {"turns": [_turn("Two", context={**work, "described": block, "after": [1, 1]})]},
            {"turns": [_turn("Three", context={**work, "after": 2})]},
        ],
    )
    lines = content(fresh)
    assert [len(line["turns"]) for line in lines[1:]] == [2, 1, 1]
    assert [turn["context"].get("after") for turn in turns(lines)[2:]] == [[1, 1], 2]
    import_lines(other, exported(fresh).splitlines())
    assert content(other) == lines


def test_recalled_excerpts_are_exported_and_imported(recalled: Path, fresh: Path, other: Path) -> None:
    """An export has each prompt's excerpts and reasons, and an import finds their passages again."""
    excerpts = turns(content(recalled)[1:])[-1]["context"]["recalled"]
    assert (2, "prompt", ["harbour", "office"]) in [(one["from"], one["side"], one.get("words")) for one in excerpts]
    import_lines(fresh, exported(recalled).splitlines())
    assert content(fresh) == content(recalled)
    import_lines(other, exported(fresh).splitlines())
    assert content(other) == content(recalled)


def test_an_excerpt_from_a_missing_exchange_is_kept(fresh: Path) -> None:
    """An excerpt whose exchange is not in the file is imported without its source."""
    recalled: list[dict[str, Any]] = [{"from": 7, "side": "reply", "score": 1.5, "tokens": 20, "words": ["harbour"]}]
    context = {"block": 1, "base": 1.0, "estimate": 1, "described": {"policy": "recall", "budget": 1}}
    import_lines(fresh, [{"turns": [_turn("One", context={**context, "recalled": recalled})]}])
    (turn,) = turns(content(fresh)[1:])
    del recalled[0]["from"]
    assert turn["context"]["recalled"] == [{"number": 7, **recalled[0]}]


def _turn(text: str, **more: Any) -> dict[str, Any]:
    said = [{"role": role, "parts": [{"type": "text", "text": f"{text} {role}"}]} for role in ("user", "assistant")]
    return {"input": said[:1], "output": said[1:], **more}


def _tool_turn() -> dict[str, Any]:
    result = {"type": "tool_result", "name": "look", "output": "09:42", "tool_call_id": "c1"}
    return {**_turn("Then"), "input": [{"role": "tool", "parts": [result]}]}


def test_snapshots_come_back_with_what_they_keep(llm_: Command, script: Script, log: Path, fresh: Path) -> None:
    """Their exchange, settings, pins, notes and summary are there after an import, and a restore goes back to them."""
    script.replies += ["One.", "Two.", "Three."]
    for prompt in ("First?", "Second?", "Third?"):
        llm_("-m", "scripted", "--session", "work", prompt).ok()
        if prompt == "Second?":
            llm_("sessions", "pin", "work", "1").ok()
            llm_("sessions", "note", "work", "The harbour office signs off.").ok()
            llm_("sessions", "snapshot", "work", "before the refactoring").ok()
    llm_("sessions", "unpin", "work", "1").ok()
    llm_("sessions", "set", "work", "--system", "Be brief.").ok()
    import_lines(fresh, exported(log).splitlines())
    assert content(fresh) == content(log)
    with Memory(fresh) as memory:
        back = memory.snapshots.restore("work", "Before the refactoring")
        assert (back.point.number, [one.number for one in back.undid]) == (2, [3])
        assert back.point.session.settings.system is None
        assert [note.text for note in memory.notes.list("work")] == ["The harbour office signs off."]
