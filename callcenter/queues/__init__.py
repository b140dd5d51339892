"""The hotline's queues as data: what they ask of a seat, when they are open, where callers go otherwise (B1, B7)."""
