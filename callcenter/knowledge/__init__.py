"""The knowledge base: what an operator answers from, with versions and Chinese full text (B4)."""
