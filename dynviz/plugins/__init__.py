"""Plug-ins: naming, discovery, loading and checking."""

from dynviz.plugins.kinds import KINDS, Kind, kind
from dynviz.plugins.registry import Plugin, check, files, load, parts, summary

__all__ = ["KINDS", "Kind", "Plugin", "check", "files", "kind", "load", "parts", "summary"]
