"""Knowing it: answer-time figures, counts of emergencies, and the report of one incident (A1, A7, H2)."""
