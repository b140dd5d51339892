"""Alarms besides calls: terminals, home monitors and fences; their sources; what devices say of themselves (A5, F1)."""
