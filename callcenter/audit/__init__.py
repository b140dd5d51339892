"""The trace of every write: who, when, from where, before and after, in a hash chain (C10)."""
