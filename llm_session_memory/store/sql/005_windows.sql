-- What a model's request without num_ctx got: the server's own default.
alter table memory_windows add column usual integer; -- tokens
alter table memory_windows add column usual_utc text;
