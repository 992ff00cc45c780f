"""The connection to the terminal: what it can show, and how fast."""
