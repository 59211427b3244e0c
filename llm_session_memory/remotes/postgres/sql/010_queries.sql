-- Functions that the canned queries use: what SQLite means by these names (see insight/dialect.py). The others that a
-- query needs, PostgreSQL has.

-- Sums are null if there is nothing to add, whole if all values are, and count what is true.
create function SCHEMA.sqlite_add(bigint, boolean) returns bigint language sql immutable parallel safe as
    'select case when $2 is null then $1 else coalesce($1, 0) + $2::integer end';
create aggregate SCHEMA.sqlite_sum(boolean) (sfunc = SCHEMA.sqlite_add, stype = bigint, parallel = safe, combinefunc = int8pl);
create aggregate SCHEMA.sqlite_sum(integer) (sfunc = int4_sum, stype = bigint, parallel = safe, combinefunc = int8pl);
create aggregate SCHEMA.sqlite_sum(bigint) (sfunc = int8pl, stype = bigint, parallel = safe, combinefunc = int8pl);
create aggregate SCHEMA.sqlite_sum(double precision) (
    sfunc = float8pl, stype = double precision, parallel = safe, combinefunc = float8pl);
create aggregate SCHEMA.sqlite_avg(double precision) (
    sfunc = float8_accum, stype = double precision[], finalfunc = float8_avg, initcond = '{0,0,0}', parallel = safe,
    combinefunc = float8_combine);

-- Halves are rounded away from zero.
create function SCHEMA.sqlite_round(double precision, integer default 0) returns double precision
    language sql immutable parallel safe as
    'select round($1::numeric, $2)::double precision';

-- The larger and the smaller of two values: null if one is.
create function SCHEMA.sqlite_larger(bigint, bigint) returns bigint language sql immutable parallel safe as
    'select case when $1 >= $2 then $1 when $1 < $2 then $2 end';
create function SCHEMA.sqlite_larger(double precision, double precision) returns double precision
    language sql immutable parallel safe as
    'select case when $1 >= $2 then $1 when $1 < $2 then $2 end';
create function SCHEMA.sqlite_smaller(bigint, bigint) returns bigint language sql immutable parallel safe as
    'select case when $1 <= $2 then $1 when $1 > $2 then $2 end';
create function SCHEMA.sqlite_smaller(double precision, double precision) returns double precision
    language sql immutable parallel safe as
    'select case when $1 <= $2 then $1 when $1 > $2 then $2 end';

-- The number that a text begins with, or 0.
create function SCHEMA.sqlite_integer(text) returns bigint language sql immutable parallel safe as $$
    select case
        when $1 is null then null
        when $1 !~ '^\s*[+-]?[0-9]' then 0
        when length(substring($1 from '^\s*[+-]?0*([0-9]*)')) < 19 then substring($1 from '^\s*([+-]?[0-9]+)')::bigint
        when $1 ~ '^\s*-' then -9223372036854775808
        else 9223372036854775807
    end
$$;
create function SCHEMA.sqlite_integer(bigint) returns bigint language sql immutable parallel safe as 'select $1';
create function SCHEMA.sqlite_integer(double precision) returns bigint language sql immutable parallel safe as
    'select trunc($1)::bigint';

-- Texts. Places are counted from 1; what lies before or after the text is empty. Only A to Z have small letters.
create function SCHEMA.sqlite_substr(text, bigint, bigint default 2147483647) returns text
    language sql immutable parallel safe as
    'select substr($1, $2::integer, greatest(least($3, 2147483647 - $2), 0)::integer)';
create function SCHEMA.sqlite_instr(text, text) returns bigint language sql immutable parallel safe as
    'select strpos($1, $2)::bigint';
create function SCHEMA.sqlite_length(text) returns bigint language sql immutable parallel safe as
    'select length($1)::bigint';
create function SCHEMA.sqlite_length(bytea) returns bigint language sql immutable parallel safe as
    'select length($1)::bigint';
create function SCHEMA.sqlite_lower(text) returns text language sql immutable parallel safe as
    'select lower($1 collate "C")';

-- Times are texts, in UTC if they don't say otherwise: 2026-05-04, 2026-05-04T10:30:00.25+01:00. Others are null.
create function SCHEMA.sqlite_moment(text) returns timestamp language sql stable parallel safe as $$
    select case
        when $1 = 'now' then now() at time zone 'utc'
        when $1 ~ '^(?!0000)\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$'
            then make_date(substr($1, 1, 4)::integer, substr($1, 6, 2)::integer, 1)
                + make_interval(days => substr($1, 9, 2)::integer - 1)
        when $1 ~ ('^(?!0000)\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[T ]+'
            '([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?\s*(Z|[+-](0\d|1[0-4]):[0-5]\d)?$')
            then make_date(substr($1, 1, 4)::integer, substr($1, 6, 2)::integer, 1)
                + make_interval(days => substr($1, 9, 2)::integer - 1)
                + substring($1 from '\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?')::interval
                - coalesce(substring(substr($1, 17) from '[+-]\d\d:\d\d$')::interval, interval '0')
    end
$$;

-- A time that is moved by SQLite's modifiers, one after the other. One that is unknown makes it null.
create function SCHEMA.sqlite_moved(text, text[]) returns timestamp language plpgsql stable parallel safe as $$
declare
    moment timestamp := SCHEMA.sqlite_moment($1);
    modifier text;
begin
    foreach modifier in array $2 loop
        moment := case
            when modifier ~ '^start of (year|month|day)$' then date_trunc(substr(modifier, 10), moment)
            when modifier ~ '^weekday [0-6]$'
                then moment + make_interval(days =>
                    (substr(modifier, 9)::integer - extract(dow from moment)::integer + 7) % 7)
            when modifier ~ '^[+-]?\d{1,5}(\.\d+)? (second|minute|hour|day|month|year)s?$' then moment + modifier::interval
        end;
    end loop;
    return moment;
end
$$;

create function SCHEMA.sqlite_date(text, variadic text[] default '{}') returns text language sql stable parallel safe as
    $$select to_char(SCHEMA.sqlite_moved($1, $2), 'YYYY-MM-DD')$$;
create function SCHEMA.sqlite_datetime(text, variadic text[] default '{}') returns text language sql stable parallel safe as
    $$select to_char(SCHEMA.sqlite_moved($1, $2), 'YYYY-MM-DD HH24:MI:SS')$$;
create function SCHEMA.sqlite_strftime(text, text, variadic text[] default '{}') returns text
    language sql stable parallel safe as $$
    select replace(replace(replace(replace(replace(replace(replace($1,
        '%Y', to_char(m, 'YYYY')), '%m', to_char(m, 'MM')), '%d', to_char(m, 'DD')), '%H', to_char(m, 'HH24')),
        '%M', to_char(m, 'MI')), '%S', to_char(m, 'SS')), '%w', extract(dow from m)::text)
    from SCHEMA.sqlite_moved($2, $3) m
$$;

-- Days since noon in Greenwich on 24 November 4714 BC; SQLite counts whole milliseconds.
create function SCHEMA.sqlite_julianday(text) returns double precision language sql stable parallel safe as
    'select round(extract(epoch from SCHEMA.sqlite_moment($1))::numeric * 1000)::double precision / 86400000 + 2440587.5';

-- JSON. What tries something can't run in parallel.
create function SCHEMA.sqlite_json_valid(text) returns boolean language plpgsql immutable strict as $$
begin
    perform $1::json;
    return true;
exception
    when others then return false;
end
$$;

-- A JSON value as a text; lists and objects without blanks.
create function SCHEMA.sqlite_json_text(json) returns text language sql immutable parallel safe as $$
    select case when json_typeof($1) in ('object', 'array')
        then regexp_replace($1::text, '("(?:[^"\\]|\\.)*")|\s+', '\1', 'g')
        else $1 #>> '{}'
    end
$$;

-- The value at a path such as $.exception.
create function SCHEMA.sqlite_json_extract(text, text) returns text language plpgsql immutable strict as $$
begin
    return SCHEMA.sqlite_json_text($1::json #> string_to_array(substr($2, 3), '.'));
exception
    when others then return null;
end
$$;

-- The values of a list or an object; with `deep`, those inside them too. `atom` is null for lists and objects.
create function SCHEMA.sqlite_json_values(given text, deep boolean)
    returns table (key text, value text, type text, atom text)
    language plpgsql immutable parallel safe as $$
begin
    return query
    with recursive found (name, inside) as (
        select null::text, given::json
        union all
        select member.name, member.inside
        from found,
        lateral (
            select e.key, e.value
            from json_each(case json_typeof(found.inside) when 'object' then found.inside end) e
            union all
            select (e.ordinality - 1)::text, e.value
            from json_array_elements(case json_typeof(found.inside) when 'array' then found.inside end)
                with ordinality e (value, ordinality)
        ) member (name, inside)
        where deep or found.name is null
    )
    select
        f.name, SCHEMA.sqlite_json_text(f.inside),
        case json_typeof(f.inside)
            when 'string' then 'text'
            when 'number' then case when f.inside::text ~ '^-?[0-9]+$' then 'integer' else 'real' end
            when 'boolean' then f.inside::text
            else json_typeof(f.inside)
        end,
        case when json_typeof(f.inside) not in ('object', 'array') then f.inside #>> '{}' end
    from found f
    where deep or f.name is not null;
end
$$;
create function SCHEMA.sqlite_json_each(text) returns table (key text, value text, type text, atom text)
    language sql immutable parallel safe as 'select * from SCHEMA.sqlite_json_values($1, false)';
create function SCHEMA.sqlite_json_tree(text) returns table (key text, value text, type text, atom text)
    language sql immutable parallel safe as 'select * from SCHEMA.sqlite_json_values($1, true)';

-- What calls cost. `llm sessions query` brings the prices of the models in question, as temporary tables; without them,
-- prices are unknown. Prices are in US dollars a token, and may change where a request is larger than some size.
create function SCHEMA.session_cost(text, bigint, bigint, text) returns double precision
    language plpgsql stable as $$
begin
    if to_regclass('pg_temp.session_prices') is null then
        return null;
    end if;
    return (
        select greatest($2, 0) * p.input + greatest(coalesce($3, 0), 0) * p.output
        from pg_temp.session_prices p
        where $2 is not null and p.model = $1 and p.day = substr(coalesce($4, ''), 1, 10) and p.above < greatest($2, 0)
        order by p.above desc
        limit 1
    );
end
$$;
create function SCHEMA.session_is_local(text) returns bigint language plpgsql stable as $$
begin
    if to_regclass('pg_temp.session_local_models') is null then
        return null;
    end if;
    return (select count(*) from pg_temp.session_local_models m where m.model = $1);
end
$$;

-- What another machine is sending just now is not known.
create function SCHEMA.session_in_progress(text) returns boolean language sql immutable parallel safe as 'select false';
