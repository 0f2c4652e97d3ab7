# Cross-validation by fread and cv.glmnet: CSV file, family, seed, l1 ratio. Prints the coefficients at lambda.min.
suppressPackageStartupMessages({
  library(data.table)
  library(glmnet)
})
arguments <- commandArgs(trailingOnly = TRUE)
frame <- fread(arguments[1])
p <- ncol(frame) - 1
x <- as.matrix(frame[, 1:p])
y <- frame[[p + 1]]
rm(frame)
set.seed(as.integer(arguments[3]))
fit <- cv.glmnet(x, y, family = arguments[2], alpha = as.numeric(arguments[4]), nfolds = 10, nlambda = 100,
                 type.measure = "deviance")
show <- function(beta) {
  beta <- as.numeric(beta)
  cat(sprintf("intercept %.17g\n", beta[1]))
  cat(sprintf("coef %s %.17g\n", colnames(x), beta[-1]), sep = "")
}
cat(sprintf("glmnet_lambda %.17g\n", fit$lambda.min))
beta <- coef(fit, s = "lambda.min")
if (is.list(beta)) {
  for (label in names(beta)) {
    cat("class", label, "\n")
    show(beta[[label]])
  }
} else {
  show(beta)
}
