"""Call control by the server: hold, transfer, park, calls by operators, supervisors who listen and speak (B1, B7)."""
