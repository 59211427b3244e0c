"""The one place that knows how the installed llm is built.

`options` adds our options to `llm prompt` and `llm chat` (cheap: it runs at every start of llm), `command` runs one of
them inside a session, and `shape` checks before that whether llm still is what all of this relies on: each module lists
what it needs. `conversation` is what the command is handed in place of llm's own conversation; `prompting` chooses what
is sent, as a `prompted` prompt, which is `asked` for and has `calls`. `record` logs them, `attempts` is what is kept if
one fails, `retry` sends it again. `models` and `tables` are found and made by llm; `summaries` asks a model for one.
`convert` translates messages. `writing` logs turns that are over, from a file: `past` ones.
"""
