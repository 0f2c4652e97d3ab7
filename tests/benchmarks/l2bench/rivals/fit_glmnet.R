# One ridge path by glmnet from a small CSV file; prints the coefficients at the middle lambda of its path.
suppressPackageStartupMessages(library(glmnet))
path <- commandArgs(trailingOnly = TRUE)[1]
frame <- read.csv(path)
p <- ncol(frame) - 1
x <- as.matrix(frame[, 1:p])
y <- frame[, p + 1]
fit <- glmnet(x, y, alpha = 0)
k <- length(fit$lambda) %/% 2
cat(sprintf("glmnet_lambda %.17g\n", fit$lambda[k]))
cat(sprintf("intercept %.17g\n", fit$a0[k]))
cat(sprintf("coef %s %.17g\n", colnames(x), fit$beta[, k]), sep = "")
