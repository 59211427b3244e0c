-- title: Inputs of runs
-- topic: Workflows
-- means: The inputs that runs of workflows were given, newest first, one line for each.
select j.name, j.state, n.key as input, substr(n.value, 1, 300) as value, j.created_utc
from memory_jobs j, json_each(case when json_valid(j.inputs_json) then j.inputs_json end) n
where j.kind = 'workflow'
order by j.id desc, n.key
limit 500
