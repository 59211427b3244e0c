-- Which of some texts (:keys, as in went_with) went with an indexed turn of a thread that is not undone. Only the first
-- such turn has passages of them.
select 'fragment ' || w.fragment_id as key
from turn_fragments w
join turns t on t.id = w.turn_id and t.thread_id = :thread_id
where w.fragment_id in (select cast(substr(value, 10) as integer) from json_each(:keys) where value like 'fragment %')
  and w.kind = 'prompt'
  and exists (select 1 from memory_passages p where p.turn_id = t.id and p.side = 3 and p.thread = :number)
  and not exists (select 1 from memory_undone u where u.thread_id = :thread_id and u.turn_id = t.id)
union
select 'attachment ' || w.attachment_id
from turns t
join parts p on p.message_hash = t.parent_message_hash and p.type = 'attachment'
join part_attachments w on w.part_id = p.id
where t.thread_id = :thread_id and :files
  and w.attachment_id in (select substr(value, 12) from json_each(:keys) where value like 'attachment %')
  and exists (select 1 from memory_passages p where p.turn_id = t.id and p.side = 3 and p.thread = :number)
  and not exists (select 1 from memory_undone u where u.thread_id = :thread_id and u.turn_id = t.id)
