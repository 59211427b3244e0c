"""The fake world that the tests use: servers that answer like the real ones and keep a record."""
