"""The benchmark: our figures side by side with bare Asterisk's, on one machine, in one run. Run by `scripts/bench`."""
