"""The one place that knows how the installed llm is built.

`options` adds our options to `llm prompt` and `llm chat` (cheap: it runs at every start of llm); `shape` says whether
llm still is what the rest relies on; `running` runs one command inside a session; `conversation` is what that command
is handed in place of llm's own conversation; `recording` logs its responses; `convert` translates messages.
"""
