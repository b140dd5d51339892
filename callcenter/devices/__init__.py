"""Safety devices in homes: pendants, terminals, detectors, and the state each is in (F1, F2)."""
