"""Calls and their legs: who is connected to whom, since when, and how each leg ended."""
