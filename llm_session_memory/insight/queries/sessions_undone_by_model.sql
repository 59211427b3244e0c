-- title: Undone exchanges by model
-- topic: Forks and projects
-- means: Whose replies you take back: the exchanges of named sessions that were undone, by the model of their first call, and the percentage of that model's calls in sessions.
with undone as (
    select t.model, count(distinct u.turn_id) as undone from memory_undone u join turns t on t.id = u.turn_id group by t.model
),
all_of_them as (
    select t.model, count(*) as calls from memory_sessions s join turns t on t.thread_id = s.thread_id group by t.model
)
select u.model, u.undone, a.calls, round(100.0 * u.undone / nullif(a.calls, 0), 1) as percent_undone
from undone u
left join all_of_them a on a.model is u.model
order by percent_undone desc, u.undone desc, u.model
