"""Twilio as its published OpenAPI file describes it."""
