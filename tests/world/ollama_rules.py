"""How Ollama counts, cuts and caches a chat, as pure functions: no HTTP, no clock.

The rules are those of Ollama's source at 0.33: `server/prompt.go` and `server/routes.go` for stage 1 (whole
messages), `llm/llama_server.go` for stage 2 (inside the prompt). Simplifications are noted in place.
"""

import base64
import functools
import hashlib
import importlib.resources
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Literal

Message = Mapping[str, Any]  # one entry of a request's `messages`, as in its JSON
Count = Callable[[str], int]
Cut = Literal["dropped", "halved", "refused"]

MARKER_TOKENS = 4  # the tokens that a chat template adds to one message: begin, role, end of header, end of turn
IMAGE_TOKENS = 256  # the real number depends on the model; Ollama's own stage 1 guesses 768
KEEP_TOKENS = 4  # Ollama's default `num_keep`: the tokens that stay in front when a prompt is halved

_CJK = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORDS = re.compile(rf"[{_CJK}]|[^\W{_CJK}]+|[^\w\s]")


@dataclass(frozen=True)
class OllamaModel:
    """A model on the server: its GGUF metadata and its Modelfile.

    A `go` template is rendered by Ollama itself, which halves a prompt that is too long; a `jinja` one by
    llama-server, which refuses it.
    """

    name: str
    family: str = "llama"
    trained_window: int = 131_072
    num_ctx: int | None = None
    capabilities: tuple[str, ...] = ("completion",)
    style: Literal["go", "jinja"] = "go"
    adds_bos: bool = False

    @property
    def full_name(self) -> str:
        """The name with its tag, because Ollama reads `llama3` as `llama3:latest`."""
        return full_name(self.name)

    @property
    def digest(self) -> str:
        """A digest that changes with anything in the model, because clients use it as a cache key."""
        return hashlib.sha256(repr(self).encode()).hexdigest()


@dataclass(frozen=True)
class Segment:
    """A part of the rendered prompt: the tool definitions, or one message."""

    role: str
    text: str
    images: tuple[str, ...]
    tokens: int


@dataclass(frozen=True)
class Prompt:
    """The part of a request that the model gets, and what was cut from it.

    `tokens` is the `prompt_eval_count`, which is 0 if the request was refused.
    """

    segments: tuple[Segment, ...]
    kept: tuple[Message, ...]
    tokens_before: int
    tokens: int
    cut: Cut | None
    dropped: int
    bos: int


@dataclass(frozen=True)
class Arrived:
    """One request as it arrived, and how the server handled it.

    The fields from `num_ctx` on are filled for chats that reached a model. `kept` has the messages that survived
    stage 1, `tokens_before` and `tokens_after` are the size of the prompt before and after both stages.
    """

    path: str
    body: Mapping[str, Any]
    messages: tuple[Message, ...] = ()
    num_ctx: int | None = None
    tokens_before: int = 0
    tokens_after: int = 0
    cut: Cut | None = None
    dropped: int = 0
    kept: tuple[Message, ...] = ()
    reused_prefix_tokens: int = 0
    reloaded: bool = False


def full_name(name: str) -> str:
    """Return the name of a model with its tag."""
    return name if ":" in name else f"{name}:latest"


def count_words(text: str) -> int:
    """Count tokens with a simple rule: a word, a punctuation mark and a CJK character are one token each."""
    return len(_WORDS.findall(text))


@functools.cache
def tekken_count() -> Count:
    """Return a counter with Mistral's Tekken tokenizer: a real one, unknown to the code of this project."""
    # Without Mistral's own class: its imports, and the texts that it makes of all tokens, take a second.
    import tiktoken

    tekken = json.loads(importlib.resources.files("mistral_common").joinpath("data/tekken_240911.json").read_bytes())
    config = tekken["config"]
    ordinary = tekken["vocab"][: config["default_vocab_size"] - config["default_num_special_tokens"]]
    ranks = {base64.b64decode(one["token_bytes"]): one["rank"] for one in ordinary}
    encoding = tiktoken.Encoding("tekken", pat_str=config["pattern"], mergeable_ranks=ranks, special_tokens={})
    return lambda text: len(encoding.encode_ordinary(text))


def window(model: OllamaModel, options: Mapping[str, Any], server_default: int) -> int:
    """Return the window of a request: its `num_ctx`, else the Modelfile's, else the server's, capped by training."""
    asked: int = options.get("num_ctx") or model.num_ctx or server_default
    return min(asked, model.trained_window)


def half_window(num_ctx: int, adds_bos: bool) -> int:
    """Return the tokens that remain of a prompt cut in stage 2 (`contextShiftPromptLimit` in llama_server.go)."""
    keep = min(KEEP_TOKENS + adds_bos, num_ctx - 1)
    return num_ctx - max((num_ctx - keep) // 2, 1)


def survivors(roles: Sequence[str], sizes: Sequence[int], room: int) -> list[int]:
    """Return the messages that stage 1 keeps: it drops the oldest until the rest fits; system and last stay.

    Each message is dropped on its own, as in Ollama 0.33, so a tool result can outlive its call. No tokens are
    reserved for the answer.
    """
    gone: set[int] = set()
    size = sum(sizes)
    for index, role in enumerate(roles[:-1]):
        if size <= room:
            break
        if role != "system":
            gone.add(index)
            size -= sizes[index]
    return [index for index in range(len(roles)) if index not in gone]


def truncate(
    messages: Sequence[Message],
    tools: Sequence[Mapping[str, Any]],
    model: OllamaModel,
    num_ctx: int,
    count: Count,
) -> Prompt:
    """Render a request and cut it as Ollama does, in two stages.

    Stage 1 fits the messages into `num_ctx` without counting a BOS token. Stage 2 counts it, and allows one token
    less than the window, because llama-server accepts no prompt that fills it. So a prompt can be halved although
    stage 1 found that it fits. A prompt with images can't be cut inside and is refused.
    """
    bos = int(model.adds_bos)
    front = [_tool_segment(tools, count)] if tools else []
    rendered = [_segment(message, count) for message in messages]
    used = sum(segment.tokens for segment in front)
    sizes = [segment.tokens for segment in rendered]
    staying = survivors([segment.role for segment in rendered], sizes, num_ctx - used)
    left = [rendered[index] for index in staying]
    tokens = bos + used + sum(segment.tokens for segment in left)
    dropped = len(messages) - len(staying)
    cut: Cut | None = "dropped" if dropped else None
    if tokens > num_ctx - 1:
        refused = model.style == "jinja" or any(segment.images for segment in left)
        cut, tokens = ("refused", 0) if refused else ("halved", half_window(num_ctx, model.adds_bos))
    kept = tuple(messages[index] for index in staying)
    return Prompt((*front, *left), kept, bos + used + sum(sizes), tokens, cut, dropped, bos)


def size_after_dropping(prompt: Prompt) -> int:
    """The tokens after stage 1: a refusal gives this number as the size of the request."""
    return prompt.bos + sum(segment.tokens for segment in prompt.segments)


def reused_tokens(before: Prompt | None, now: Prompt, count: Count) -> int:
    """Return the tokens that the prompt cache saves: the longest common prefix with the previous prompt.

    Equal segments count whole; of the first that differs, the common characters of its text count. Of a halved
    prompt only the kept opening can match another prompt, because its tail begins elsewhere. A refused prompt is not
    computed at all.
    """
    if before is None or "refused" in (before.cut, now.cut):
        return 0
    if "halved" in (before.cut, now.cut):
        same = before.segments == now.segments and before.tokens == now.tokens
        return now.tokens if same else min(KEEP_TOKENS + now.bos, now.tokens)
    reused = now.bos
    for old, new in zip(before.segments, now.segments, strict=False):
        if old != new:
            same_start = old.role == new.role and old.images == new.images
            return reused + (count(_common_start(old.text, new.text)) if same_start else 0)
        reused += new.tokens
    return reused


def _common_start(one: str, other: str) -> str:
    return "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _segment(message: Message, count: Count) -> Segment:
    """Render a message. Its `thinking` is left out: templates don't send a model its earlier reasoning."""
    text = str(message.get("content") or "")
    if calls := message.get("tool_calls"):
        text += json.dumps(calls, ensure_ascii=False)
    images = tuple(str(image) for image in message.get("images") or ())
    tokens = MARKER_TOKENS + count(text) + IMAGE_TOKENS * len(images)
    return Segment(str(message.get("role", "")), text, images, tokens)


def _tool_segment(tools: Sequence[Mapping[str, Any]], count: Count) -> Segment:
    """Render the tool definitions before all messages (some templates put them near the end)."""
    text = json.dumps(list(tools), ensure_ascii=False)
    return Segment("tools", text, (), MARKER_TOKENS + count(text))
