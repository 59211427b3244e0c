"""The fake world that the tests live in: servers that answer as the real ones do, and keep a record."""
