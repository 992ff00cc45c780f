"""What detectors are made of, and what runs them over recordings."""
