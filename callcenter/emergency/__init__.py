"""Emergencies: incidents, the ladder that finds a human, response plans (A1–A10)."""
