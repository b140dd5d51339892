"""Where elders are: the newest fix against the registered address, and fences that alarm (A4, A5)."""
