"""Complaints (投诉): received, investigated, settled, answered, closed, against stated deadlines (C8)."""
