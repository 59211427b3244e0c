-- The conversations, each with its calls. :all is 1 for all of them; else :keys is a JSON array of ids.
select l.thread_id, l.about_json, l.machine, count(c.id), coalesce(max(c.about_json), '')
from lines l left join lines c on c.thread_id = l.thread_id and c.wins and c.kind in ('turn', 'response')
    and c.kind <> 'digest'
where l.wins and l.kind = 'thread' and (:all or l.key in (select value from json_each(:keys)))
group by l.id;
