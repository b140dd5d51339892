"""Texts and announcements to people outside: asked for once, tried channel by channel, followed until known."""
