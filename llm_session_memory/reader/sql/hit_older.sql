-- One match in an older llm's table, unless it is also a turn: then it is found as a turn.
select
    r.id as turn_id, r.conversation_id as thread_id, r.model, r.datetime_utc,
    snippet(responses_fts, 0, :mark, :unmark, '…', 24) as prompt,
    snippet(responses_fts, 1, :mark, :unmark, '…', 32) as reply
from responses_fts
cross join responses r on r.rowid = responses_fts.rowid
where responses_fts match :match and responses_fts.rowid = :row
  and r.conversation_id is not null
  and not exists (select 1 from turns t where t.id = r.id)
