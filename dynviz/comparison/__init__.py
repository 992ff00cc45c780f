"""Fair comparisons: search spaces with equal budgets, paired statistics, scores over tasks, stacked changes."""
