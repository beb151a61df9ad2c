"""The command line: parse, call, print. Nothing but the entry point imports it."""
