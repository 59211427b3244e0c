"""The one place that knows how the installed llm is built.

`options` adds our options to `llm prompt` and `llm chat` (cheap: it runs at every start of llm); `shape` says whether
llm still is what the rest relies on; `asking` finds logs and models; `running` runs one command inside a session, and
`run` is that session's state meanwhile; `conversation` is what the command is handed in place of llm's own
conversation; `recording` logs its responses; `resuming` sends again and puts back; `convert` translates messages.
"""
