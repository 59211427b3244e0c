"""The log in numbers: canned queries, panels, charts as values, and the timing of a replay."""
