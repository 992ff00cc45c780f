"""Scenes as cells of a terminal."""
