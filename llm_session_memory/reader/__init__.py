"""Read any log of llm: functions take an open connection, run SQL, and return frozen values.

They import neither Datasette nor llm, so the pages and the command line share them.
"""
