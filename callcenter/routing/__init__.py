"""Seats and who rings: seat states, distribution of calls to seats (ACD)."""
