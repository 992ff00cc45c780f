"""Detectors of events, one file each."""
