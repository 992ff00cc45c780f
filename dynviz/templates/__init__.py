"""Files that `dynviz new` copies."""
