// The transcript's own scripts.
