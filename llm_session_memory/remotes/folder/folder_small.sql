-- Parts of one class that are smaller than a size, as a JSON array, if there are at least so many of them.
select json_group_array(id) from parts where added and dropped is null and size < ?
group by class having count(*) >= ?;
