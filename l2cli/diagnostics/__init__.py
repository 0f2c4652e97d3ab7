"""What a fitted model rests on: uncertainty, shrinkage, importance, and what the penalty trades."""
