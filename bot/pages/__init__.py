"""Pages: the web chat, the projector wall and what the public may open, with their templates and styles beside them."""
