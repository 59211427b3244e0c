"""The Python API: the sessions of one log, for programs.

All figures are tokens unless said otherwise; all errors are of the family in `errors`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from .services.bundle import Services
from .services.desk import Clock, Desk, now_utc
from .store import owned_file

if TYPE_CHECKING:
    from .llm_seam.conversation import AsyncSessionConversation, SessionConversation


class Memory(Services):
    """The sessions of one log: `.conversation(...)`, `.sessions`, `.notes`, `.ratings`, `.requests`, `.search(...)`.

    `Memory(path)` opens an existing log; it is a context manager. Reading never writes. Raises LogUnusable if the file
    is missing, locked for longer than 10 seconds, or not a log. A Memory belongs to the thread that opened it.
    """

    def __init__(
        self, path: str | Path | None = None, *, create: bool = False, now: Clock = now_utc, typed: str | None = None
    ) -> None:
        """Open a log, by default llm's own. `create` makes the file if it is missing.

        `typed` is the -d that a person gave, so that hints repeat it.
        """
        if path is None:
            from .llm_seam.models import log_path

            path = log_path(None)
        new = create and owned_file(Path(path))
        super().__init__(Desk.open(Path(path), now, typed))
        if new:
            from .llm_seam.tables import made_for

            made_for(self.desk)

    @overload
    def conversation(
        self,
        name: str | None = None,
        model: Any = None,
        *,
        async_: Literal[True],
        new: bool = False,
        notice: Callable[[str], None] | None = None,
        tools: Sequence[Any] | None = None,
        before_call: Callable[..., Any] | None = None,
        after_call: Callable[..., Any] | None = None,
        chain_limit: int | None = None,
        **settings: Any,
    ) -> AsyncSessionConversation: ...

    @overload
    def conversation(
        self,
        name: str | None = None,
        model: Any = None,
        *,
        async_: Literal[False] | None = None,
        new: bool = False,
        notice: Callable[[str], None] | None = None,
        tools: Sequence[Any] | None = None,
        before_call: Callable[..., Any] | None = None,
        after_call: Callable[..., Any] | None = None,
        chain_limit: int | None = None,
        **settings: Any,
    ) -> SessionConversation: ...

    def conversation(  # noqa: PLR0913  what a program can ask for, each on its own
        self,
        name: str | None = None,
        model: Any = None,
        *,
        async_: bool | None = None,
        new: bool = False,
        notice: Callable[[str], None] | None = None,
        tools: Sequence[Any] | None = None,
        before_call: Callable[..., Any] | None = None,
        after_call: Callable[..., Any] | None = None,
        chain_limit: int | None = None,
        **settings: Any,
    ) -> Any:
        """Return an llm conversation in the session `name`, which the first prompt makes if it is new.

        Its prompts are sent with the context that the session's policy chooses. A response is logged as soon as it was
        read to its end, and a prompt whose call fails is kept, as on the command line.

        Args:
            name: The session; None: a new one, its name is made up.
            model: An id, or a model object of llm's; None: the session's model, or llm's default.
            async_: Whether to look up an asynchronous model, for `await conversation.prompt(...)`. A model object says
                by itself what it is.
            new: Start the session over; the old one stays as `name~1`.
            notice: Called with each sentence that the command line would print, such as that a session was created or
                that a server cut the prompt. They are kept in `conversation.notices` as well.
            tools: Tools of all prompts, for `conversation.chain(...)`.
            before_call: Called before each tool call.
            after_call: Called after each tool call.
            chain_limit: How many model calls one prompt with tools may have.
            **settings: `system`, `options`, `max_context_tokens`, `memory`, `recall_share`, `recall_model`,
                `summary_model`. They become the defaults of a new session; in one that is there already, they hold for
                this conversation.

        Raises:
            SessionError: The model is not known, or a setting or the name breaks the rules.
        """
        from .llm_seam.shape import check

        check("programs")
        from .llm_seam.programs import conversation

        llms = {"tools": tools, "before_call": before_call, "after_call": after_call, "chain_limit": chain_limit}
        given = {name_: value for name_, value in llms.items() if value is not None}
        return conversation(self, name, model, async_=async_, new=new, notice=notice, settings=settings, llms=given)
