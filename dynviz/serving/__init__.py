"""The player in a browser: a small server, and the page with a terminal in it."""
