-- The system messages sent with turns (a JSON array of ids), if they had one.
with recursive up (turn_id, datetime_utc, hash, parent, role) as (
    select t.id, t.datetime_utc, m.hash, m.parent_hash, m.role
    from json_each(:ids) wanted
    join turns t on t.id = wanted.value
    join messages m on m.hash = t.parent_message_hash
    union all
    select u.turn_id, u.datetime_utc, m.hash, m.parent_hash, m.role
    from up u
    join messages m on m.hash = u.parent
)
select turn_id, datetime_utc, hash, role from up where parent is null and role = 'system'
