"""The player: recordings in the terminal, live or replayed."""
