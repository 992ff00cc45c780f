"""Animations: the frames of a view, drawn and handed to an exporter."""
