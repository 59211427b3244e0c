-- The models that calls were made with, each with the days of its calls.
select distinct model, substr(datetime_utc, 1, 10) from SCHEMA.turns where model is not null
union
select distinct model, substr(datetime_utc, 1, 10) from SCHEMA.responses where model is not null
union
select distinct model, substr(made_utc, 1, 10) from SCHEMA.memory_summaries where model is not null
union
select distinct author, substr(made_utc, 1, 10) from SCHEMA.memory_titles where author is not null
