"""Plug-ins: how they are named, found, read and checked."""

from dynviz.plugins.registry import KINDS, Kind, Plugin, check, files, kind, load, parts, summary

__all__ = ["KINDS", "Kind", "Plugin", "check", "files", "kind", "load", "parts", "summary"]
