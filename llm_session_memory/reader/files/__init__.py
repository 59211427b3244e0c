"""A session as a file, from any log and for any visitor: JSONL, Markdown, one HTML page.

`writing` puts a file together from the parts: `gathering` reads a session a few exchanges at a time, `jsonl` makes the
lines that `llm sessions import` reads, `markdown` and `html` make what people read, `markup` and `code` make safe HTML
of what a model wrote. The command line and the pages write their files with it, so they are the same files.
"""
