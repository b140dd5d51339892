"""The REST edge: one thin router a domain, problem details, tokens, paging, idempotency."""
