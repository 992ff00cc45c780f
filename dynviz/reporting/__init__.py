"""Reports: what documents claim about optimizers, decided by training and measuring."""
