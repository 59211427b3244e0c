"""The rules, by tables of cases and by laws."""
