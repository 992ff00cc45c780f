"""Plug-ins: how they are named, found, read and checked."""

from dynviz.plugins.kinds import KINDS, Kind, kind
from dynviz.plugins.registry import Plugin, check, files, load, parts, summary

__all__ = ["KINDS", "Kind", "Plugin", "check", "files", "kind", "load", "parts", "summary"]
