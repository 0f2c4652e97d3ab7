"""One algorithm per file: prepare once, solve for many lambdas."""
