"""Signs of life in an emergency's room: an elder who falls silent, lines and phones that die without a word."""
