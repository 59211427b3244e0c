-- Every conversation of today's tables, with when it was last used (null: unknown), the model of its newest turn, and
-- its first words. Of the rows of a group, SQLite takes the model from the one with the greatest time.
select
    id, model, strftime('%Y-%m-%dT%H:%M:%f', max(used)) as last_used_utc,
    (select n.name from threads n where n.id = used.id) as first_words
from (
    select thread_id as id, model, julianday(datetime_utc) as used from turns where thread_id is not null
    union all
    select h.id, null, julianday(h.datetime_utc) from threads h
    where not exists (select 1 from turns t where t.thread_id = h.id)
) used
group by id
