"""Elders, contacts, devices, accounts and staff out of spreadsheets: checked row by row before anything is written."""
