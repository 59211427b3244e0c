insert into lines (
    part, start, length, number, token, wins, kind, key, thread_id, bucket, stamp, place, machine, person, about_json
) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
