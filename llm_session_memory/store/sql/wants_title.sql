-- A row if a session (:thread_id, of :project or null) gets a title by itself, and never had one.
select 1
where not exists (select 1 from memory_titles where thread_id = :thread_id)
  and (
      exists (select 1 from memory_log_settings where key = 'titles.auto' and value = 'on')
      or exists (select 1 from memory_projects where name_key = :project and auto_title)
  )
