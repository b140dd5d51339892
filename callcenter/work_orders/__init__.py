"""Work orders (工单): the closed loop from a need to its settlement (C1–C11)."""
