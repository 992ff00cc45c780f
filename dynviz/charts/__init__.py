"""Charts: what recordings become as marks of a scene."""
