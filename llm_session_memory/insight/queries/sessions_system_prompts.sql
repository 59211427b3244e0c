-- title: System prompts and templates
-- topic: Conversations
-- whole: a system prompt is kept once for all conversations
-- means: The system prompts that conversations began with, and how many conversations used each. llm does not log the name of a template, only its system prompt.
select
    substr(content, 1, 300) as system_prompt,
    sum(uses) as conversations,
    length(content) as characters
from (
    select p.text as content, (select count(*) from messages n where n.parent_hash = m.hash) as uses
    from messages m
    join parts p on p.message_hash = m.hash and p.type = 'text'
    where m.parent_hash is null and m.role = 'system' and p.text is not null
    union all
    select r.system, count(distinct r.conversation_id)
    from responses r
    where r.system <> '' and not exists (select 1 from turns t where t.id = r.id)
    group by r.system
) prompts
group by content
order by conversations desc, characters desc, content
limit 200
