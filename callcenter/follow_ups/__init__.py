"""Follow-ups (回访): a call to the elder within 24 h of the end of a service (C7, SZ 6.2.5)."""
