"""A profile for a person: terminal, HTML, Markdown."""
