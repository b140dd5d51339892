"""The only place that knows AMI and AGI; domains see the `Pbx` protocol and typed events."""
