"""Pictures in a terminal that can show pixels: the protocols, as text."""
