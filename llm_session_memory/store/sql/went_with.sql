-- The fragments and text attachments that went with the prompts of turns (:ids, a JSON array), in order: their keys and,
-- if :texts, as much of them as is indexed. Not the fragments in which a session sends excerpts, nor files that the log
-- only has the path of: they may have changed.
select w.turn_id, 'fragment ' || f.id as key, 0 as kind, w."order" as place,
    case when :texts then substr(f.content, 1, :most) end as content
from turn_fragments w
join fragments f on f.id = w.fragment_id
where w.turn_id in (select value from json_each(:ids)) and w.kind = 'prompt'
  and coalesce(f.source, '') not like 'session://%'
union all
select t.id, 'attachment ' || a.id, 1, 1000 * p.position + w."order",
    case when :texts then substr(a.content, 1, 4 * :most) end
from turns t
join parts p on p.message_hash = t.parent_message_hash and p.type = 'attachment'
join part_attachments w on w.part_id = p.id
join attachments a on a.id = w.attachment_id
where t.id in (select value from json_each(:ids)) and a.content is not null
  and (a.type like 'text/%' or a.type in ('application/json', 'application/xml'))
order by turn_id, kind, place
