-- title: Attachments by type
-- topic: Fragments, schemas, attachments
-- means: The attachments that were sent, by type: how many, the bytes that the log keeps of them, the calls that they were sent with, and the last one. Attachments given by path or URL are not kept, so they have no bytes.
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
    f.type, count(distinct f.id) as number_of_attachments, count(distinct u.call_id) as calls,
    (
        select sum(length(o.content)) from attachments o
        where o.type is f.type and o.id in (select attachment_id from uses)
    ) as bytes,
    max(u.datetime_utc) as last_used
from uses u
join attachments f on f.id = u.attachment_id
group by f.type
order by calls desc, f.type
