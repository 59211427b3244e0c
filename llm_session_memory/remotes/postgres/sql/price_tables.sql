-- Which models cost what on which day, and which have no price because they run at home: see 010_queries.sql.
create temporary table session_prices (
    model text collate "C",
    day text collate "C",
    above bigint,
    input double precision,
    output double precision,
    primary key (model, day, above)
) on commit drop;
create temporary table session_local_models (model text collate "C" primary key) on commit drop;
