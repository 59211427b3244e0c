-- Full-text search in prompts and replies. The words are kept beside each row by PostgreSQL itself, so that a text that
-- is deleted is gone from the index too.

-- A text without accents. The configuration `simple` makes small letters, and knows no language.
create function SCHEMA.remote_plain(text) returns text language sql immutable parallel safe as
    $$select regexp_replace(normalize($1, nfkd), '[\u0300-\u036f]', '', 'g')$$;

-- The words of a prompt and its reply, at most a megabyte, which is all that PostgreSQL allows: of longer texts, those at
-- the beginning.
create function SCHEMA.remote_words(prompt text, response text) returns tsvector language plpgsql immutable
    set search_path = pg_catalog, pg_temp as $$
declare
    most integer := 1000000;
begin
    loop
        begin
            return setweight(to_tsvector('simple', SCHEMA.remote_plain(left(coalesce(prompt, ''), most))), 'A')
                || setweight(to_tsvector('simple', SCHEMA.remote_plain(left(coalesce(response, ''), most))), 'B');
        exception
            when program_limit_exceeded then most := most / 2;
        end;
    end loop;
end
$$;

-- What finds a word or a phrase; with `begins`, also longer words that begin with its last word. Any text will do: what
-- has no word finds nothing, and no sign in it is syntax.
create function SCHEMA.remote_asked(word text, begins boolean) returns tsquery language sql immutable
    set search_path = pg_catalog, pg_temp as $$
    select case when begins and numnode(q) > 0 then (q::text || ':*')::tsquery else q end
    from phraseto_tsquery('simple', SCHEMA.remote_plain(word)) q
$$;

alter table SCHEMA.turn_search add column remote_words tsvector
    generated always as (SCHEMA.remote_words(prompt, response)) stored;
create index on SCHEMA.turn_search using gin (remote_words);
alter table SCHEMA.responses add column remote_words tsvector
    generated always as (SCHEMA.remote_words(prompt, response)) stored;
create index on SCHEMA.responses using gin (remote_words);
