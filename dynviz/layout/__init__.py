"""Layout: where panels and words of a picture stand, for all backends."""
