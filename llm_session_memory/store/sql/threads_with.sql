-- Threads that have all of some tags (:tags, a JSON array of keys) and meta values (:meta, a JSON array of pairs of key
-- and value, null for any value).
select thread_id
from (
    select t.thread_id
    from json_each(:tags) wanted
    join memory_tags t on t.tag_key = wanted.value
    union all
    select m.thread_id
    from json_each(:meta) wanted
    join memory_meta m on m.key = json_extract(wanted.value, '$[0]')
        and m.value = coalesce(json_extract(wanted.value, '$[1]'), m.value)
)
group by thread_id
having count(*) = json_array_length(:tags) + json_array_length(:meta)
