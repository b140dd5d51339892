"""Elders with everything a human needs to help them: numbers, address, key, notes, contacts, plan (A4, B4)."""
