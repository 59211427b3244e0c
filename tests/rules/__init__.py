"""The rules, tested by tables of cases and by laws."""
