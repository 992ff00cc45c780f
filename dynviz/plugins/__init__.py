"""Plug-ins: naming, discovery, loading and checking."""

from dynviz.plugins.kinds import KINDS, Kind, kind
from dynviz.plugins.plugin import Plugin
from dynviz.plugins.registry import check, files, load, summary

__all__ = ["KINDS", "Kind", "Plugin", "check", "files", "kind", "load", "summary"]
