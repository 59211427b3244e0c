-- Whether the role may write, or make the schema and its tables if there are none yet, on a server that can be written to.
select not pg_is_in_recovery() and case
    when %(made)s then has_table_privilege(%(place)s || '.remote_documents', 'insert')
    when exists (select 1 from pg_catalog.pg_namespace where nspname = %(schema)s)
        then has_schema_privilege(%(schema)s, 'create')
    else has_database_privilege(current_database(), 'create')
end
