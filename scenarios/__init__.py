"""Small tasks, one file each."""
