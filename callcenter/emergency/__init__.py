"""Emergencies: the incident, its response plan and the ladder that brings a human to the elder."""
