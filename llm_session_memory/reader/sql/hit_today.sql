-- One match among the turns: its place, and the text around the matching words.
select
    t.id as turn_id, t.thread_id, t.model, t.datetime_utc,
    snippet(turn_search_fts, 0, :mark, :unmark, '…', 24) as prompt,
    snippet(turn_search_fts, 1, :mark, :unmark, '…', 32) as reply
from turn_search_fts
cross join turn_search s on s.id = turn_search_fts.rowid
cross join turns t on t.id = s.turn_id
where turn_search_fts match :match and turn_search_fts.rowid = :row
