"""What a log tells in figures: canned queries, panels, charts as values, and the timing of a replay."""
