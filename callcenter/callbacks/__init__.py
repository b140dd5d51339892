"""Calling back instead of waiting: whoever hangs up on purpose keeps her place in the queue."""
