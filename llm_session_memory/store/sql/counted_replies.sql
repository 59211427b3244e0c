-- Replies of a model with the server's count, from the newest turns of the log: for logs without any session.
select t.output_tokens, s.response
from (select * from turns order by rowid desc limit :count) t
join turn_search s on s.turn_id = t.id
where t.model = :model and t.output_tokens is not null and s.response <> ''
