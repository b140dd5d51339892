"""Notes that operators write during a call or an emergency: facts, so that no letter is lost (A7, A10, B4)."""
