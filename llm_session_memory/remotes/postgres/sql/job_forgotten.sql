-- Let DBOS forget the workflows of a job.
with
    inputs as (delete from ENGINE.workflow_input where starts_with(workflow_uuid, %(prefix)s)),
    outputs as (delete from ENGINE.workflow_output where starts_with(workflow_uuid, %(prefix)s)),
    steps as (delete from ENGINE.operation_outputs where starts_with(workflow_uuid, %(prefix)s))
delete from ENGINE.workflow_status where starts_with(workflow_uuid, %(prefix)s)
