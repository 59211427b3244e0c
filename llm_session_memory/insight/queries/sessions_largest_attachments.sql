-- title: Largest attachments
-- topic: Fragments, schemas, attachments
-- means: The attachments that take the most space in the log, with type, the file or URL that they came from, if it is known, and the calls that they were sent with.
with uses as (
    select a.attachment_id, t.id as call_id, t.datetime_utc
    from part_attachments a
    join parts p on p.id = a.part_id
    join turns t on t.parent_message_hash = p.message_hash
    union
    select a.attachment_id, r.id, r.datetime_utc
    from prompt_attachments a
    join responses r on r.id = a.response_id
    union
    select a.attachment_id, r.id, r.datetime_utc
    from tool_results_attachments a
    join tool_results x on x.id = a.tool_result_id
    join responses r on r.id = x.response_id
)
select
    length(f.content) as bytes, f.type, coalesce(f.path, f.url) as source, count(distinct u.call_id) as calls,
    max(u.datetime_utc) as last_used, max(u.call_id) as turn_id
from uses u
join attachments f on f.id = u.attachment_id
group by f.id, f.content, f.type, f.path, f.url
order by bytes desc, calls desc, f.id
limit 100
