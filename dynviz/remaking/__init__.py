"""Making a picture again from the recipe that it carries: training, drawing, and comparing both with what it was."""
