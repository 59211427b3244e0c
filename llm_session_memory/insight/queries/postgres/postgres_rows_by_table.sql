select 'conversations (threads)' as what, count(*) as number_of_rows from threads
union all
select 'calls (turns)', count(*) from turns
union all
select 'messages (messages)', count(*) from messages
union all
select 'pieces of messages (parts)', count(*) from parts
union all
select 'calls before llm 0.32 (responses)', count(*) from responses
union all
select 'fragments (fragments)', count(*) from fragments
union all
select 'attachments (attachments)', count(*) from attachments
union all
select 'reasons for requests (memory_contexts)', count(*) from memory_contexts
union all
select 'recalled excerpts (memory_recalls)', count(*) from memory_recalls
union all
select 'failed prompts (memory_attempts)', count(*) from memory_attempts
