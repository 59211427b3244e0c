-- Give ids to DBOS: one workflow for each item that waits. The same ticket is never given twice.
select ENGINE.enqueue_workflow(
    workflow_name => %(workflow)s,
    queue_name => queue,
    positional_args => array[to_json(job_id), to_json(position), to_json(ticket)],
    workflow_id => concat_ws('.', job_id, position, ticket),
    app_version => %(version)s,
    priority => position,
    delay_until_epoch_ms => (extract(epoch from not_before) * 1000)::bigint,
    application_name => %(application)s
)
from SCHEMA.remote_items
where job_id = %(job_id)s and state = 'waiting' and (%(position)s::integer is null or position = %(position)s)
