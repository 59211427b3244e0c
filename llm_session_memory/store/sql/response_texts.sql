-- Like turn_texts, for calls that an older llm logged. tool_results has no index on response_id, so it is read once.
select
    r.id as turn_id,
    coalesce(r.prompt, '') as prompt,
    coalesce(results.outputs, '') as tool,
    coalesce(r.response, '') as reply
from responses r
left join (
    select response_id, group_concat(output, char(10)) as outputs
    from (
        select response_id, output
        from tool_results
        where response_id in (select value from json_each(:ids))
        order by response_id, id
    )
    group by response_id
) results on results.response_id = r.id
where r.id in (select value from json_each(:ids))
