"""Views: recordings in, scenes out; one file each."""
