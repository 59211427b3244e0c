"""The only room of this package that runs SQL. Functions take an open connection and return frozen values.

They import neither Datasette nor llm, so the command line reads with them too.
"""
