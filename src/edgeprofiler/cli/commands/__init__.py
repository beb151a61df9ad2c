"""One file a command: a function of its name, or an `app` of several."""
