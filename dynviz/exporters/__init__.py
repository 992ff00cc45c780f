"""Exporters: from frames to files, see `dynviz.frame`. One file each; its stem is the suffix that it writes."""
