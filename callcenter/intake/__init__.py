"""Intake (受理): whatever comes in by any channel, in one list, until it has an outcome (B5, HB 6.2)."""
