-- Our rows about what goes with a batch.
delete from memory_contexts where turn_id in (select id from temp.gone_turns where batch = :batch);
delete from memory_originals where turn_id in (select id from temp.gone_turns where batch = :batch);
delete from memory_changed where turn_id in (select id from temp.gone_turns where batch = :batch);
delete from memory_recalls where turn_id in (select id from temp.gone_turns where batch = :batch);
delete from memory_blocks
where thread_id in (
    select id from temp.gone_threads where batch = :batch
    union
    select t.thread_id from temp.batch_turns b join turns t on t.id = b.id
)
and id not in (
    select c.block_id from memory_contexts c where c.block_id = memory_blocks.id
);
delete from memory_attempts
where thread_id in (select id from temp.gone_threads where batch = :batch)
   or answered_by in (select id from temp.gone_turns where batch = :batch);
delete from memory_pins where turn_id in (select id from temp.gone_turns where batch = :batch)
   or turn_id in (select id from temp.gone_responses where batch = :batch)
   or thread_id in (select id from temp.gone_threads where batch = :batch);
delete from memory_ratings where turn_id in (select id from temp.gone_turns where batch = :batch)
   or turn_id in (select id from temp.gone_responses where batch = :batch)
   or thread_id in (select id from temp.gone_threads where batch = :batch);
delete from memory_other_ratings where turn_id in (select id from temp.gone_turns where batch = :batch)
   or turn_id in (select id from temp.gone_responses where batch = :batch)
   or thread_id in (select id from temp.gone_threads where batch = :batch);
delete from memory_bookmarks where turn_id in (select id from temp.gone_turns where batch = :batch)
   or turn_id in (select id from temp.gone_responses where batch = :batch)
   or thread_id in (select id from temp.gone_threads where batch = :batch);
delete from memory_undone where turn_id in (select id from temp.gone_turns where batch = :batch)
   or turn_id in (select id from temp.gone_responses where batch = :batch)
   or thread_id in (select id from temp.gone_threads where batch = :batch);
delete from memory_notes where thread_id in (select id from temp.gone_threads where batch = :batch);
delete from memory_tags where thread_id in (select id from temp.gone_threads where batch = :batch);
delete from memory_meta where thread_id in (select id from temp.gone_threads where batch = :batch);
delete from memory_summaries where thread_id in (select id from temp.gone_threads where batch = :batch);
delete from memory_snapshots where thread_id in (select id from temp.gone_threads where batch = :batch);
delete from memory_titles where thread_id in (select id from temp.gone_threads where batch = :batch);
delete from memory_origins where thread_id in (select id from temp.gone_threads where batch = :batch);
delete from memory_forks where thread_id in (select id from temp.gone_threads where batch = :batch);
delete from memory_index where thread_id in (select id from temp.gone_threads where batch = :batch);
delete from memory_sessions where thread_id in (select id from temp.gone_threads where batch = :batch);
delete from memory_branches where thread_id in (select id from temp.gone_threads where batch = :batch);
delete from memory_group_members where thread_id in (select id from temp.gone_threads where batch = :batch);
delete from memory_votes where a_turn_id in (select id from temp.gone_turns where batch = :batch)
   or a_turn_id in (select id from temp.gone_responses where batch = :batch)
   or b_turn_id in (select id from temp.gone_turns where batch = :batch)
   or b_turn_id in (select id from temp.gone_responses where batch = :batch);
-- the deletion of what a person put on it, which triggers have just recorded, says what it was about
delete from memory_changes where thread_id in (select id from temp.gone_threads where batch = :batch)
   or key in (select id from temp.gone_turns where batch = :batch)
   or key in (select id from temp.gone_responses where batch = :batch);
delete from memory_changes
where kind = 'vote'
  and (substr(key, 1, instr(key, ' ') - 1) in (select id from temp.gone_turns where batch = :batch)
       or substr(key, instr(key, ' ') + 1) in (select id from temp.gone_turns where batch = :batch)
       or substr(key, 1, instr(key, ' ') - 1) in (select id from temp.gone_responses where batch = :batch)
       or substr(key, instr(key, ' ') + 1) in (select id from temp.gone_responses where batch = :batch));
delete from memory_changes
where kind = 'other rating'
  and (substr(key, 1, instr(key, ' ') - 1) in (select id from temp.gone_turns where batch = :batch)
       or substr(key, 1, instr(key, ' ') - 1) in (select id from temp.gone_responses where batch = :batch));
delete from memory_conflicts
where kind in ('other rating', 'vote')
  and (substr(key, 1, instr(key, ' ') - 1) in (select id from temp.gone_turns where batch = :batch)
       or substr(key, 1, instr(key, ' ') - 1) in (select id from temp.gone_responses where batch = :batch));
delete from memory_conflicts where thread_id in (select id from temp.gone_threads where batch = :batch)
   or key in (select id from temp.gone_turns where batch = :batch)
   or key in (select id from temp.gone_responses where batch = :batch);
-- an item of a job has the prompt, and without its answer it would be asked again; of a workflow, later steps may hold
-- what they made of the answer (outputs of commands, items of lists, errors), so the whole run goes
delete from memory_jobs where thread_id in (select id from temp.gone_threads where batch = :batch)
   or kind = 'workflow' and id in (
       select job_id from memory_job_items
       where turn_id in (select id from temp.gone_turns where batch = :batch)
          or thread_id in (select id from temp.gone_threads where batch = :batch)
   );
delete from memory_job_items where turn_id in (select id from temp.gone_turns where batch = :batch)
   or thread_id in (select id from temp.gone_threads where batch = :batch);
delete from memory_job_items where job_id not in (select id from memory_jobs);
-- a job without items still has their system prompt
delete from memory_jobs
where not exists (select 1 from memory_job_items i where i.job_id = memory_jobs.id);
