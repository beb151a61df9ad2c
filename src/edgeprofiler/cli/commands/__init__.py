"""One file a command, each with `register(app)`."""
