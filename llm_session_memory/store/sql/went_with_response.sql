-- Like went_with, for calls that an older llm logged.
select w.response_id as turn_id, 'fragment ' || f.id as key, 0 as kind, w."order" as place,
    case when :texts then substr(f.content, 1, :most) end as content
from prompt_fragments w
join fragments f on f.id = w.fragment_id
where w.response_id in (select value from json_each(:ids)) and coalesce(f.source, '') not like 'session://%'
union all
select w.response_id, 'attachment ' || a.id, 1, w."order", case when :texts then substr(a.content, 1, 4 * :most) end
from prompt_attachments w
join attachments a on a.id = w.attachment_id
where w.response_id in (select value from json_each(:ids)) and a.content is not null
  and (a.type like 'text/%' or a.type in ('application/json', 'application/xml'))
order by turn_id, kind, place
