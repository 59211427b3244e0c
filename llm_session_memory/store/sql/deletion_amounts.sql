-- How much goes with a batch (null: with all). Bytes are those of texts and files.
with
gone as (select id from temp.gone_threads where :batch is null or batch = :batch),
calls as (
    select id from temp.gone_turns where :batch is null or batch = :batch
    union
    select id from temp.gone_responses where :batch is null or batch = :batch
)
select
    (
        select count(distinct id) from gone g
        where g.id in (select id from threads) or g.id in (select id from conversations)
           or g.id in (select thread_id from memory_sessions) or g.id in (select thread_id from memory_attempts)
    ) as conversations,
    (
        select count(*) from memory_sessions
        where thread_id in (select id from gone)
    ) as sessions,
    (
        select count(*)
        from temp.gone_turns g
        join turns t on t.id = g.id
        left join memory_contexts c on c.turn_id = t.id
        left join messages last on c.turn_id is null and last.hash = t.parent_message_hash
        left join messages earlier on last.role = 'user' and earlier.hash = last.parent_hash
        where (:batch is null or g.batch = :batch)
          and case
                  when c.turn_id is not null then c.exchange_turn_id = t.id
                  else not coalesce(last.role = 'tool' or (last.role = 'user' and earlier.role = 'tool'), 0)
              end
    ) + (
        select count(*) from temp.gone_responses g
        where (:batch is null or g.batch = :batch)
          and g.id not in (select id from temp.gone_turns)
          and g.id not in (select response_id from tool_results where response_id is not null)
    ) as exchanges,
    (select count(*) from calls) as turns,
    (select count(*) from temp.gone_messages where :batch is null or batch = :batch) as messages,
    (select count(*) from temp.gone_fragments where :batch is null or batch = :batch) as fragments,
    (select count(*) from temp.gone_attachments where :batch is null or batch = :batch) as attachments,
    (select count(*) from temp.gone_tools where :batch is null or batch = :batch) as tools,
    (select count(*) from temp.gone_schemas where :batch is null or batch = :batch) as schemas,
    (
        select count(*) from memory_attempts
        where thread_id in (select id from gone)
           or answered_by in (select id from calls)
    ) as attempts,
    (
        select count(*) from memory_pins
        where thread_id in (select id from gone)
           or turn_id in (select id from calls)
    ) as pins,
    (
        select count(*) from memory_notes
        where thread_id in (select id from gone)
    ) as notes,
    (
        select count(*) from memory_tags
        where thread_id in (select id from gone)
    ) as tags,
    (
        select count(*) from memory_ratings
        where thread_id in (select id from gone)
           or turn_id in (select id from calls)
    ) + (
        select count(*) from memory_other_ratings
        where thread_id in (select id from gone)
           or turn_id in (select id from calls)
    ) as ratings,
    (
        select count(*) from memory_bookmarks
        where thread_id in (select id from gone)
           or turn_id in (select id from calls)
    ) as bookmarks,
    (
        select count(*) from memory_summaries
        where thread_id in (select id from gone)
    ) as summaries,
    (
        select count(*) from memory_snapshots
        where thread_id in (select id from gone)
    ) as snapshots,
    (
        select count(*) from memory_passages
        where turn_id in (select id from calls)
    ) as passages,
    coalesce((
        select sum(length(cast(coalesce(p.text, '') as blob)) + length(cast(coalesce(p.payload, '') as blob)))
        from temp.gone_parts g join parts p on p.id = g.id where :batch is null or g.batch = :batch
    ), 0) + coalesce((
        select sum(length(cast(f.content as blob)))
        from temp.gone_fragments g join fragments f on f.id = g.id where :batch is null or g.batch = :batch
    ), 0) + coalesce((
        select sum(coalesce(length(a.content), 0))
        from temp.gone_attachments g join attachments a on a.id = g.id where :batch is null or g.batch = :batch
    ), 0) + coalesce((
        select sum(length(cast(coalesce(t.response_json, '') as blob)))
        from temp.gone_turns g join turns t on t.id = g.id where :batch is null or g.batch = :batch
    ), 0) + coalesce((
        select sum(length(cast(s.prompt as blob)) + length(cast(s.response as blob)))
        from temp.gone_turns g join turn_search s on s.turn_id = g.id where :batch is null or g.batch = :batch
    ), 0) + coalesce((
        select sum(length(cast(coalesce(r.prompt, '') || coalesce(r.response, '') || coalesce(r.system, '')
            || coalesce(r.prompt_json, '') || coalesce(r.response_json, '') as blob)))
        from temp.gone_responses g join responses r on r.id = g.id where :batch is null or g.batch = :batch
    ), 0) + coalesce((
        select sum(length(cast(coalesce(r.output, '') as blob)))
        from temp.gone_results g join tool_results r on r.id = g.id where :batch is null or g.batch = :batch
    ), 0) as bytes
