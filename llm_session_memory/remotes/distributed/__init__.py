"""Jobs that several machines work on: DBOS gives out the items, PostgreSQL keeps their texts and their answers."""
