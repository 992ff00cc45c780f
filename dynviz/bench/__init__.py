"""What dynviz reaches on this machine, each figure beside the plain way of doing the same."""
