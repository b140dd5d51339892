"""Voicemail: a caller whom nobody could take speaks after a tone, and somebody has to deal with it."""
