"""Who may sign in, from which seat, and what each role may do (I1, I3)."""
