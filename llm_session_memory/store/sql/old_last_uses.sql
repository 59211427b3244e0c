-- Every conversation of an older llm's tables, with when it was last used (null: unknown), the model of its newest
-- response, and its first words. The same events may be in today's tables as well.
select
    id, model, strftime('%Y-%m-%dT%H:%M:%f', max(used)) as last_used_utc,
    (select n.name from conversations n where n.id = used.id) as first_words
from (
    select conversation_id as id, model, julianday(datetime_utc) as used from responses where conversation_id is not null
    union all
    select c.id, c.model, null from conversations c
    where c.id not in (select conversation_id from responses where conversation_id is not null)
) used
group by id
