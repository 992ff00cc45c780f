"""Tapes: scripts of keys and waits that are played against the player, and the recordings of its screen."""
