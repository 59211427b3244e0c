-- The conversations that somebody marked to be kept: with a pin, a tag, a bookmark or a snapshot, or archived.
select thread_id from memory_pins
union select thread_id from memory_tags
union select thread_id from memory_bookmarks
union select thread_id from memory_snapshots
union select thread_id from memory_sessions where archived_utc is not null
