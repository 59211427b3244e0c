"""Write a session as a file, from any log and for any visitor: JSONL, Markdown, or one HTML page.

`writing` puts a file together. `gathering` reads a session a few exchanges at a time, `jsonl` makes the lines that
`llm sessions import` reads, `markdown` and `html` make text for people, and `markup` and `code` turn a model's output
into safe HTML. The command line and the pages share this code, so their files are the same.
"""
