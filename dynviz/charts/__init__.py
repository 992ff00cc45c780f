"""Charts turn recordings into the marks of a scene."""
