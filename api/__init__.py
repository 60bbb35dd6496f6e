"""How Satchel is reached: HTTP, command line, settings, the composition root."""
