-- Counts for a thread: exchanges without those undone, tokens of all turns, and attempts that were never answered,
-- without those in progress (:open, a JSON array of ids).
select
    (
        select count(*) from turns t
        left join memory_contexts c on c.turn_id = t.id
        left join messages last on c.turn_id is null and last.hash = t.parent_message_hash
        left join messages earlier on last.role = 'user' and earlier.hash = last.parent_hash
        where t.thread_id = :thread_id
          and case
                  when c.turn_id is not null then c.exchange_turn_id = t.id
                  else not coalesce(last.role = 'tool' or (last.role = 'user' and earlier.role = 'tool'), 0)
              end
    ) - (
        select count(*) from memory_undone u
        where u.thread_id = :thread_id
          and not exists (select 1 from turns t where t.id = u.turn_id and t.thread_id <> u.thread_id)
    ) as exchanges,
    (select coalesce(sum(t.input_tokens), 0) from turns t where t.thread_id = :thread_id) as input_tokens,
    (select coalesce(sum(t.output_tokens), 0) from turns t where t.thread_id = :thread_id) as output_tokens,
    (select count(*) from memory_attempts a where a.thread_id = :thread_id and a.answered_by is null
        and a.id not in (select value from json_each(:open))) as attempts
