-- The other log's changes and ratings, as this log would have them. :mine and :theirs are the persons of the logs, and
-- :same says whether they are one.
drop table if exists temp.merge_theirs;
create temp table merge_theirs (
    kind text, thread_id text, key text, changed_utc text, removed integer, machine text, person text,
    primary key (kind, thread_id, key)
) without rowid;
insert into temp.merge_theirs
select
    case
        when kind = 'rating' and not :same then 'other rating'
        when kind = 'other rating' and substr(key, instr(key, ' ') + 1) = :mine then 'rating'
        else kind
    end,
    thread_id,
    case
        when kind = 'rating' and not :same then key || ' ' || :theirs
        when kind = 'other rating' and substr(key, instr(key, ' ') + 1) = :mine then substr(key, 1, instr(key, ' ') - 1)
        else key
    end,
    changed_utc, removed, machine, person
from other.memory_changes
where true
on conflict (kind, thread_id, key) do update set
    changed_utc = excluded.changed_utc, removed = excluded.removed, machine = excluded.machine, person = excluded.person
where (excluded.changed_utc, -excluded.removed) > (changed_utc, -removed);

drop table if exists temp.merge_news;
create temp table merge_news (
    kind text, thread_id text, key text, changed_utc text, removed integer, machine text, person text,
    primary key (kind, thread_id, key)
) without rowid;
insert into temp.merge_news
select t.*
from temp.merge_theirs t
left join main.memory_changes c on c.kind = t.kind and c.thread_id = t.thread_id and c.key = t.key
where c.kind is null
   or (t.changed_utc, -t.removed, coalesce(t.machine, ''), coalesce(t.person, ''))
    > (c.changed_utc, -c.removed, coalesce(c.machine, ''), coalesce(c.person, ''));

drop table if exists temp.merge_own_ratings;
create temp table merge_own_ratings (
    thread_id text, turn_id text, mark text, note text, rated_utc text, primary key (thread_id, turn_id)
) without rowid;
insert into temp.merge_own_ratings
select thread_id, turn_id, mark, note, rated_utc from other.memory_ratings where :same
union all
select thread_id, turn_id, mark, note, rated_utc from other.memory_other_ratings where person = :mine
on conflict (thread_id, turn_id) do update set
    mark = excluded.mark, note = excluded.note, rated_utc = excluded.rated_utc
where (excluded.rated_utc, excluded.mark, excluded.note) > (rated_utc, mark, note);

drop table if exists temp.merge_other_ratings;
create temp table merge_other_ratings (
    thread_id text, turn_id text, person text, mark text, note text, rated_utc text,
    primary key (thread_id, turn_id, person)
) without rowid;
insert into temp.merge_other_ratings
select thread_id, turn_id, person, mark, note, rated_utc from other.memory_other_ratings where person is not :mine
union all
select thread_id, turn_id, :theirs, mark, note, rated_utc from other.memory_ratings where not :same
on conflict (thread_id, turn_id, person) do update set
    mark = excluded.mark, note = excluded.note, rated_utc = excluded.rated_utc
where (excluded.rated_utc, excluded.mark, excluded.note) > (rated_utc, mark, note);
