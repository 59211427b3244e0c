-- llm's rows that go with a batch. The rows that refer to others go first.
update threads
set tip_message_hash = (
    select coalesce(t.tip_message_hash, t.parent_message_hash)
    from turns t
    where t.thread_id = threads.id and t.id not in (select id from temp.gone_turns)
    order by t.rowid desc
    limit 1
)
where id in (select t.thread_id from temp.batch_turns b join turns t on t.id = b.id);
update threads
set forked_from = (
    select f.from_thread_id
    from memory_forks f
    join threads origin on origin.id = f.from_thread_id
    where f.thread_id = threads.id and origin.id not in (select id from temp.gone_threads)
)
where id in (
    select f.thread_id from temp.forked f where f.origin in (select id from temp.gone_threads where batch = :batch)
);
delete from turn_search where turn_id in (select id from temp.gone_turns where batch = :batch);
delete from turn_tools where turn_id in (select id from temp.gone_turns where batch = :batch);
delete from tool_instantiations where turn_id in (select id from temp.gone_turns where batch = :batch);
delete from turn_fragments where turn_id in (select id from temp.gone_turns where batch = :batch);
delete from turns where id in (select id from temp.gone_turns where batch = :batch);
delete from threads where id in (select id from temp.gone_threads where batch = :batch);
delete from part_attachments where part_id in (select id from temp.gone_parts where batch = :batch);
delete from part_fragments where part_id in (select id from temp.gone_parts where batch = :batch);
delete from parts where id in (select id from temp.gone_parts where batch = :batch);
delete from messages where hash in (select hash from temp.gone_messages where batch = :batch);
delete from prompt_attachments where response_id in (select id from temp.gone_responses where batch = :batch);
delete from prompt_fragments where response_id in (select id from temp.gone_responses where batch = :batch);
delete from system_fragments where response_id in (select id from temp.gone_responses where batch = :batch);
delete from tool_responses where response_id in (select id from temp.gone_responses where batch = :batch);
delete from tool_calls where response_id in (select id from temp.gone_responses where batch = :batch);
delete from tool_results_attachments where tool_result_id in (select id from temp.gone_results where batch = :batch);
delete from tool_results where id in (select id from temp.gone_results where batch = :batch);
delete from responses where id in (select id from temp.gone_responses where batch = :batch);
delete from conversations where id in (select id from temp.gone_threads where batch = :batch);
delete from fragments where id in (select id from temp.gone_fragments where batch = :batch);
delete from attachments where id in (select id from temp.gone_attachments where batch = :batch);
delete from tools where id in (select id from temp.gone_tools where batch = :batch);
delete from tool_instances where id in (select id from temp.gone_instances where batch = :batch);
delete from schemas where id in (select id from temp.gone_schemas where batch = :batch);
