"""The fallback: what Asterisk does alone while the controller is away, and how its calls are taken in (A10, R1)."""
