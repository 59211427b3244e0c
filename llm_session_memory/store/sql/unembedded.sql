-- Passages of a thread (up to the id :until, unless it is null) that have no vector of a model yet, newest first, because recent text
-- may be needed first. Texts that went with prompts come last, because they are long, and not at all unless :fragments.
select p.id
from memory_passages p
where p.thread = :thread and p."end" > p."start" and (:until is null or p.id <= :until)
  and (:fragments or p.side < 3)
  and not exists (
      select 1 from memory_vectors v where v.model = :model and v.thread = p.thread and v.passage_id = p.id
  )
order by p.side = 3, p.id desc
limit :count
