"""The one place that knows how the installed llm is built.

`options` adds our options to `llm prompt` and `llm chat`; it runs at every start of llm, so it must be cheap. `command`
runs one of these commands inside a session. Before it does, `shape` checks that llm still has everything that we rely
on; each module lists what it needs. The command gets our `conversation` instead of llm's own. `prompting` turns each
prompt, with the contents in `asked`, into a request; `prompted` follows the prompt through its `calls` to the log.
`record` logs the responses, `attempts` keeps a prompt that fails, `retry` sends it again, and `rescue` saves a reply
that can't be logged. `models` looks up models, `tables` brings llm's tables up to date, `summaries` asks a model for a
summary, and `convert` translates messages. `writing` logs the `past` turns that an import reads from a file. `programs`
makes conversations for programs, and `demo` runs the demo.
"""
