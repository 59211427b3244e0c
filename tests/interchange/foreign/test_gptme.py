"""gptme's logs: outputs of tools in system messages, calls in replies, stored files, branches."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from llm_session_memory.interchange.foreign.gptme import FORMAT
from tests.interchange.foreign.files import PIXEL, lines, of_turn, read, said

HASH = "00112233aabbccdd"


def message(role: str, content: str, second: int, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, "timestamp": f"2026-08-01T10:00:{second:02}+00:00", **more}


def test_a_conversation_has_its_messages_tools_files_tokens_and_folder(tmp_path: Path) -> None:
    """A call is read from the reply if it is written there with an id; another output gets a call of its own."""
    folder = tmp_path / "2026-08-01-bridge"
    picture = folder / "files" / f"{HASH}.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(base64.b64decode(PIXEL))
    counts = {"input_tokens": 10, "output_tokens": 5, "cache_read_tokens": 90}
    metadata = {"model": "anthropic/heron", "cost": 0.1, "usage": counts, "timings": {"ttft_ms": 800, "gen_ms": 200.5}}
    hashes = {"/home/ada/plan.png": HASH, "/etc/passwd": "../../../../etc/passwd"}
    lines(
        folder / "conversation.jsonl",
        [
            message("system", "You are gptme.", 0, pinned=True),
            message("system", "# Workspace", 0),
            message("user", "How long?", 1, files=["/home/ada/plan.png", "/etc/passwd"], file_hashes=hashes),
            message("system", "Read plan.png", 1),
            message(
                "assistant",
                '<think>\nLook.\n</think>\nI look.\n\n@shell(call-1): {"command": "ls\n{}"}\n',
                2,
                metadata=metadata,
            ),
            message("system", "plan.md", 3, call_id="call-1"),
            message("assistant", "And so:\n```ipython\n2 + 0.3\n```", 5, metadata={"input_tokens": 7}),
            message("system", "2.3", 6, mood="good"),
            message("assistant", "2.3 km.", 7),
        ],
    )
    (folder / "config.toml").write_text(
        '[chat]\nname = "A \\"bridge\\""\nmodel = "x"\nworkspace = "/home/ada/bridge"\n', encoding="utf-8"
    )
    for path in (tmp_path, folder / "conversation.jsonl"):
        (found,), losses = read(FORMAT, path)
        assert (found.key, found.name, found.model) == ("2026-08-01-bridge", 'A "bridge"', "anthropic/heron")
        assert (found.project, found.meta) == ("bridge", {"directory": "/home/ada/bridge"})
        (exchange,) = found.exchanges
        assert [of_turn(turn) for turn in exchange.turns] == [
            [
                "user: How long?",
                "user [image/png]",
                "user: \n\nRead plan.png",
                "assistant thinks: Look.",
                "assistant: I look.",
                'assistant calls shell {"command": "ls\\n{}"}',
            ],
            ["tool shell: plan.md", "assistant: And so:\n```ipython\n2 + 0.3\n```", "assistant calls ipython {}"],
            ["tool ipython: 2.3", "assistant: 2.3 km."],
        ]
        first, second, _ = exchange.turns
        assert first.system == "You are gptme.\n\n# Workspace"
        assert (first.input_tokens, first.output_tokens, first.duration_ms) == (100, 5, 1000)
        assert (second.input_tokens, first.token_details) == (7, {"cache_read_tokens": 90, "cost": 0.1})
        assert losses.counts == {
            "a file that gptme did not store with the conversation": 1,
            "the field mood of a message": 1,
        }


def test_branches_are_forks_without_what_they_share(tmp_path: Path) -> None:
    """The beginning of another branch has nothing of its own; a prompt that was answered anew is another exchange."""
    begun = [message("user", "Name a river.", 1), message("assistant", "Tagus.", 2)]
    folder = tmp_path / "waters"
    lines(folder / "conversation.jsonl", [*begun, message("user", "A sea?", 3), message("assistant", "Baltic.", 4)])
    lines(folder / "branches" / "main-edit-0.jsonl", [begun[0], message("assistant", "Rhine.", 9)])
    lines(folder / "branches" / "main-undo-0.jsonl", begun)
    lines(folder / "branches" / "main-undo-1.jsonl", [*begun, message("user", "A lake?", 5)])
    (main, edited, undone), _ = read(FORMAT, tmp_path)
    assert [said(one)[0] for one in main.exchanges] == ["user: Name a river.", "user: A sea?"]
    assert [said(one) for one in edited.exchanges] == [["user: Name a river.", "assistant: Rhine."]]
    assert edited.forked_from == ("waters", None)
    assert [said(one) for one in undone.exchanges] == [["user: A lake?"]]
    assert undone.forked_from == ("waters", "2026-08-01T10:00:01+00:00")
