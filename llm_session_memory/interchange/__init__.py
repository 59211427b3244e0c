"""Sessions in and out of a log: JSONL both ways, Markdown and HTML out.

`records` is the JSONL format, on `lines`, `fields` and `wire`; `importing` reads it through llm's own writer,
`exporting` writes it, and what people read: Markdown (transcript) and HTML (`pages`). `beside` is the one place for
what is kept beside a conversation (tags, meta, notes, summaries).
"""
