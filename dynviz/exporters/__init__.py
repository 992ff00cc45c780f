"""Exporters: from frames to files. One file each; its stem is the suffix that it writes."""
