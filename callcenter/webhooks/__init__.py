"""Facts pushed to subscribers over HTTP, signed and retried (H3)."""
