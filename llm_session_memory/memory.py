"""The Python API: the sessions of one log, for programs.

All sizes are in tokens unless stated otherwise. Every error is a `SessionError` (see `errors`).
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
    from .llm_seam.working import JobProgress
    from .model import Session


class Memory(Services):
    """The sessions of one log: `.conversation(...)`, `.sessions`, `.notes`, `.ratings`, `.requests`, `.search(...)`.

    Also `.titles` and `.costs`.

    `Memory(path)` opens an existing log; it is a context manager. Reading never writes. Raises LogUnusable if the file
    is missing, locked for longer than 10 seconds, or not a log. A Memory belongs to the thread that opened it.
    """

    def __init__(
        self, path: str | Path | None = None, *, create: bool = False, now: Clock = now_utc, typed: str | None = None
    ) -> None:
        """Open a log, by default llm's own. `create` makes the file if it is missing.

        `typed` is the -d option as the person gave it, so that hints can repeat it.
        """
        if path is None:
            from .llm_seam.models import log_path

            path = log_path(None)
        new = create and owned_file(Path(path))
        super().__init__(Desk.open(Path(path), now, typed))
        if new:
            from .llm_seam.tables import made_for

            made_for(self.desk)

    def rerun(  # noqa: PLR0913  what a program can ask for, each on its own
        self,
        name: str,
        model: str | None = None,
        *,
        as_: str | None = None,
        start: int = 1,
        same_context: bool = False,
        run_tools: bool = False,
        progress: Callable[[JobProgress], None] | None = None,
        **settings: Any,
    ) -> Session:
        """Ask the prompts of a session again, in a new session with another model or other settings. Return it.

        Args:
            name: The session's name.
            model: The id of the model to ask; None asks the session's own.
            as_: The new session's name; None makes one, such as `work-llama3`.
            start: The number of the first exchange to ask again. Those before it are shared, as a fork shares them.
            same_context: Send each prompt with the messages that were sent before it then. Otherwise it is sent with
                the new session's own history, by its policy.
            run_tools: Run tools. Otherwise a call that was recorded gets its result, and any other a sentence.
            progress: Called from time to time with how far it is.
            **settings: Settings that replace the session's, as for `conversation`.

        Raises:
            NoSuchSession: There is no such session or exchange.
            SessionError: The model or a setting is unknown, or prompts have failed; those are kept as attempts of the
                new session, and `llm sessions rerun NAME --resume` asks them again.
        """
        from .llm_seam.shape import check

        check("rerun")
        from .llm_seam.rerunning import session_asked

        wanted = (name, model, as_, start, same_context, run_tools)
        return session_asked(self, *wanted, settings=settings, progress=progress)

    @overload
    def conversation(
        self,
        name: str | None = None,
        model: Any = None,
        *,
        async_: Literal[True],
        new: bool = False,
        project: str | None = None,
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
        project: str | None = None,
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
        project: str | None = None,
        notice: Callable[[str], None] | None = None,
        tools: Sequence[Any] | None = None,
        before_call: Callable[..., Any] | None = None,
        after_call: Callable[..., Any] | None = None,
        chain_limit: int | None = None,
        **settings: Any,
    ) -> Any:
        """Return an llm conversation in the session `name`. The first prompt creates the session if it is new.

        Its prompts are sent with the context that the session's policy chooses. A response is logged when it has been
        read to its end, and a failed prompt is kept, as on the command line.

        Args:
            name: The session's name. None starts a new session with a generated name.
            model: A model id, or an llm model object. None uses the session's model, or llm's default.
            async_: Look up an asynchronous model, for `await conversation.prompt(...)`. Not needed for a model object.
            new: Start the session over; the old one is kept as `name~1`.
            project: The project to create the session in, with its defaults.
            notice: Called with each message that the command line would print, for example that a session was created
                or that a server cut the prompt. The messages are also kept in `conversation.notices`.
            tools: Tools for all prompts, for `conversation.chain(...)`.
            before_call: Called before each tool call.
            after_call: Called after each tool call.
            chain_limit: How many model calls one prompt with tools may make.
            **settings: `system`, `options`, `max_context_tokens`, `memory`, `recall_share`, `recall_model`,
                `summary_model`, `think`, `recall_fragments`, `global_notes`, `recall_from`, `guard`. They become the
                defaults of a new session. In an existing session they only apply to this conversation.
                `send_anyway=True` sends prompts that seem not to fit the context window, `over_budget=True` those that
                would exceed a budget in dollars.

        Raises:
            SessionError: The model or the project is unknown, the session is in another project, or a setting or the
                name breaks the rules.
        """
        from .llm_seam.shape import check

        check("programs")
        from .llm_seam.programs import conversation

        llms = {"tools": tools, "before_call": before_call, "after_call": after_call, "chain_limit": chain_limit}
        given = {name_: value for name_, value in llms.items() if value is not None}
        return conversation(
            self, name, model, async_=async_, new=new, project=project, notice=notice, settings=settings, llms=given
        )
