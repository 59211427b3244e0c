-- The records that no other record had seen.
select name from records where not replaced and name not in (
    select j.value from records r, json_each(r.after_json) j where not r.replaced
)
order by name;
