"""What exporters share: palettes, changed patches, videos, and the page that plays frames."""
