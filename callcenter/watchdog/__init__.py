"""The watchdog: what should happen and does not, and its own silence, are alarms (R2, R8, R9, R11, R24, R27)."""
