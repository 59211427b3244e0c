-- Model and time of calls that an older llm logged, by id (a JSON array), with the filters of search.
select r.id, r.model, coalesce(r.datetime_utc, '') as datetime_utc
from responses r
where r.id in (select value from json_each(:ids))
  and (:model is null or r.model in (:model, 'ollama/' || :model, :called))
  and (:since is null or datetime(r.datetime_utc) >= datetime(:since))
  and (:until is null or datetime(r.datetime_utc) < datetime(:until))
