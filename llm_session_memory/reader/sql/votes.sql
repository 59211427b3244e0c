-- The votes on answers, oldest first, with the models and conversations of the answers. :group is the key of a group of
-- conversations that both answers must be in; null means all votes.
select
  memory_votes.a_turn_id,
  memory_votes.b_turn_id,
  memory_votes.better,
  memory_votes.blind,
  memory_votes.voted_utc,
  coalesce(a.model, a_old.model) as a_model,
  coalesce(b.model, b_old.model) as b_model,
  coalesce(a.thread_id, a_old.conversation_id) as a_thread_id,
  coalesce(b.thread_id, b_old.conversation_id) as b_thread_id,
  a.parent_message_hash as a_sent,
  b.parent_message_hash as b_sent
from memory_votes
left join turns as a on a.id = memory_votes.a_turn_id
left join turns as b on b.id = memory_votes.b_turn_id
left join responses as a_old on a_old.id = memory_votes.a_turn_id
left join responses as b_old on b_old.id = memory_votes.b_turn_id
where
  :group is null
  or (
    coalesce(a.thread_id, a_old.conversation_id) in
      (select thread_id from memory_group_members where name_key = :group)
    and coalesce(b.thread_id, b_old.conversation_id) in
      (select thread_id from memory_group_members where name_key = :group)
  )
order by memory_votes.voted_utc, memory_votes.a_turn_id, memory_votes.b_turn_id
