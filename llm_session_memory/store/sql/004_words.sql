-- The words of passages, without a copy of the text. `thread` restricts a search to one thread within the index. Both
-- texts and queries are turned into words by the plugin (llm_session_memory/rules/terms.py): stems without accents in
-- lower case, pairs of characters of scripts without blanks, emoji. `parts` are the parts of words like parseHTTPRequest.
create virtual table if not exists memory_words using fts5 (thread, text, parts, content = '', tokenize = 'ascii');
