"""Elders, contacts, devices and accounts out of spreadsheets: checked row by row before anything is written."""
