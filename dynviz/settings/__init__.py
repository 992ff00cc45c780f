"""The user's settings: one TOML file, with what the player remembers."""

from dynviz.settings.file import load, location, save, template
from dynviz.settings.values import DEFAULTS, UserSettings

__all__ = ["DEFAULTS", "UserSettings", "load", "location", "save", "template"]
