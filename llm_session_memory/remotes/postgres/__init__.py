"""PostgreSQL as a remote: the same tables as in a log, with a column that says which document a row belongs to."""
