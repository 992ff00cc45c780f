"""Two optimizers on the same gradients, or two recordings: where they first differ, and by which convention."""
