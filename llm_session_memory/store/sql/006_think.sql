-- Whether thinking in the text of a session's replies is sent again (drop or keep); null: the default of the package.
alter table memory_sessions add column think text;
