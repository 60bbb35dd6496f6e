"""A real service, over HTTP and by command."""
