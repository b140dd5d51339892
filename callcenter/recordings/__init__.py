"""Recordings: every call is recorded, and provably so (B6, SZ 7.3.2)."""
