"""Spreadsheets, read and written in a process of their own: hostile files and long lists hold nobody up (R22)."""
