"""The timeline: every fact in the database, by call and by incident (A7, C10)."""
