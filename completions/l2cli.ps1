# PowerShell completion for l2cli; made by: python -m l2cli.cli.completion completions
# Use it with: . completions/l2cli.ps1

Register-ArgumentCompleter -Native -CommandName l2cli -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commands = [ordered]@{
        'fit' = 'fit one model, with lambda given or chosen'
        'cv' = 'choose lambda by cross-validation: curve, error, refit'
        'path' = 'coefficients along the path of lambdas'
        'compare' = 'several models on the same folds, with a verdict'
        'explain' = 'why: importance, shrinkage, collinearity, influential rows'
        'tradeoff' = 'bias, variance and noise along lambda; the overfitting gap'
        'predict' = 'apply a saved model to new rows'
        'evaluate' = 'score a saved model on labelled rows, with drift warnings'
        'inspect' = 'what is in a file, and what a fit would make of it'
        'convert' = 'lambda in the conventions of other tools'
    }
    # Each option: its names, the kind of its value, the words to choose from, what it does.
    $options = @{
        'fit' = @(
            @{ Names = @('-h', '--help'); Kind = 'flag'; Words = @(); About = 'show the options' }
            @{ Names = @('--target', '-t'); Kind = 'columns'; Words = @(); About = 'what to predict, a,b for several (default: the last column)' }
            @{ Names = @('--features', '-x'); Kind = 'columns'; Words = @(); About = 'names or globs to use, a,b,x_* (default: all others)' }
            @{ Names = @('--drop'); Kind = 'columns'; Words = @(); About = 'names or globs to leave out' }
            @{ Names = @('--id'); Kind = 'column'; Words = @(); About = 'column carried through to predictions; no feature' }
            @{ Names = @('--positive'); Kind = 'free'; Words = @(); About = 'the class 1 (default: the last level)' }
            @{ Names = @('--weights'); Kind = 'column'; Words = @(); About = 'weight of each row' }
            @{ Names = @('--offset'); Kind = 'column'; Words = @(); About = 'added to the linear predictor as it is' }
            @{ Names = @('--exposure'); Kind = 'column'; Words = @(); About = 'its logarithm is the offset' }
            @{ Names = @('--categorical'); Kind = 'columns'; Words = @(); About = 'number columns to treat as levels' }
            @{ Names = @('--numeric'); Kind = 'columns'; Words = @(); About = 'columns that must be numbers' }
            @{ Names = @('--dates'); Kind = 'flag'; Words = @(); About = 'year, month, weekday and hour of columns of dates' }
            @{ Names = @('--interactions'); Kind = 'free'; Words = @(); About = 'products of two columns, ''age:sex,dose:*''' }
            @{ Names = @('--coding'); Kind = 'words'; Words = @('auto', 'onehot', 'treatment'); About = 'how levels become columns' }
            @{ Names = @('--reference'); Kind = 'pair'; Words = @(); About = 'level without a column of its own' }
            @{ Names = @('--missing'); Kind = 'words'; Words = @('impute', 'drop', 'error', 'indicator'); About = 'what to do with missing cells' }
            @{ Names = @('--delimiter'); Kind = 'free'; Words = @(); About = 'character between fields, or tab, space' }
            @{ Names = @('--decimal'); Kind = 'words'; Words = @('.', ','); About = 'decimal mark of the numbers' }
            @{ Names = @('--encoding'); Kind = 'free'; Words = @(); About = 'text encoding, for example latin-1' }
            @{ Names = @('--na'); Kind = 'free'; Words = @(); About = 'cells that mean missing, for example ''?,-,NA''' }
            @{ Names = @('--no-header'); Kind = 'flag'; Words = @(); About = 'the first line is data; columns are called x1, x2 and so on' }
            @{ Names = @('--max-expanded'); Kind = 'free'; Words = @(); About = 'refuse a file that unpacks to more (default: 1G, or 200 times its size)' }
            @{ Names = @('--lambda'); Kind = 'words'; Words = @('auto'); About = 'the strength; auto chooses it from --lambdas' }
            @{ Names = @('--relax-gamma'); Kind = 'free'; Words = @(); About = 'relaxed: G of the L1 solution, 1-G of the unpenalized fit on its features' }
            @{ Names = @('--tol'); Kind = 'free'; Words = @(); About = 'largest KKT residual that counts as solved' }
            @{ Names = @('--family'); Kind = 'words'; Words = @('auto', 'gaussian', 'binomial', 'multinomial', 'poisson', 'gamma', 'tweedie'); About = 'auto: two classes binomial, words multinomial, else gaussian' }
            @{ Names = @('--tweedie-power'); Kind = 'free'; Words = @(); About = 'variance mu^P of tweedie, 1 < P < 2 (1.5)' }
            @{ Names = @('--l1-ratio'); Kind = 'free'; Words = @(); About = 'the mix: 0 L2 (default), 1 L1, else elastic net; 0,0.5,1 tunes it' }
            @{ Names = @('--lambdas'); Kind = 'free'; Words = @(); About = 'auto[:N], LO:HI[:N], a,b,c or @FILE' }
            @{ Names = @('--lambda-scale'); Kind = 'words'; Words = @('sum', 'mean'); About = 'mean: lambda is per unit of weight, as in glmnet' }
            @{ Names = @('--penalty-factor'); Kind = 'pairs'; Words = @(); About = 'own strengths, ''age=0,gene_*=2'' (0: not penalized)' }
            @{ Names = @('--bounds'); Kind = 'free'; Words = @(); About = 'bounds of coefficients, ''x=0:,y=-1:1''' }
            @{ Names = @('--groups'); Kind = 'free'; Words = @(); About = 'groups of columns, ''g1=a,b;g2=c_*'', or dummies: text columns' }
            @{ Names = @('--group-penalty'); Kind = 'words'; Words = @('lasso', 'banded'); About = 'lasso: in or out whole (default); banded: a lambda each' }
            @{ Names = @('--group-lambda'); Kind = 'free'; Words = @(); About = 'lambdas of a banded penalty (default: chosen)' }
            @{ Names = @('--standardize', '--no-standardize'); Kind = 'flag'; Words = @(); About = 'penalize the weights of standardized columns' }
            @{ Names = @('--intercept', '--no-intercept'); Kind = 'flag'; Words = @(); About = 'fit an intercept, never penalized' }
            @{ Names = @('--select'); Kind = 'words'; Words = @('auto', 'loo', 'cv', 'gcv', 'evidence', 'holdout'); About = 'how lambda is chosen (default auto)' }
            @{ Names = @('--holdout'); Kind = 'file'; Words = @(); About = 'judge by a part of the rows kept aside (0.25), or by a file of others' }
            @{ Names = @('--unseen'); Kind = 'words'; Words = @('error', 'baseline', 'missing'); About = 'levels of other rows that the model never saw' }
            @{ Names = @('--rule'); Kind = 'words'; Words = @('min', '1se'); About = 'the best, or within one se of it (default min)' }
            @{ Names = @('--folds', '-k'); Kind = 'free'; Words = @(); About = 'number of folds (default 10)' }
            @{ Names = @('--repeats'); Kind = 'free'; Words = @(); About = 'repeat with new folds (default 1)' }
            @{ Names = @('--fold-column'); Kind = 'column'; Words = @(); About = 'column with the fold of each row; no feature' }
            @{ Names = @('--group-column'); Kind = 'column'; Words = @(); About = 'rows of one group stay in one fold; no feature' }
            @{ Names = @('--time-column'); Kind = 'column'; Words = @(); About = 'train on earlier rows, test on later; no feature' }
            @{ Names = @('--gap'); Kind = 'free'; Words = @(); About = 'left out before tested rows: 20 rows, or 7d, 12h, 30min' }
            @{ Names = @('--metric'); Kind = 'words'; Words = @('deviance', 'mse', 'rmse', 'mae', 'r2', 'accuracy', 'error', 'auc', 'log_loss', 'brier', 'f1'); About = 'what is compared (default: deviance, for gaussian the mse)' }
            @{ Names = @('--seed'); Kind = 'free'; Words = @(); About = 'seed of the folds' }
            @{ Names = @('--jobs', '-j'); Kind = 'free'; Words = @(); About = 'processes, -1 for all cores (default: as many as help)' }
            @{ Names = @('--inference'); Kind = 'words'; Words = @('shrunken', 'debiased', 'bootstrap'); About = 'standard errors: about the shrunken mean, debiased, or by refits' }
            @{ Names = @('--save'); Kind = 'file'; Words = @(); About = 'save the model for predict and evaluate' }
            @{ Names = @('--no-progress'); Kind = 'flag'; Words = @(); About = 'no progress line on the terminal' }
            @{ Names = @('--output', '-o'); Kind = 'file'; Words = @(); About = 'write the result here, whole or not at all' }
            @{ Names = @('--format', '-f'); Kind = 'words'; Words = @('table', 'json', 'jsonl', 'csv', 'md'); About = 'default: by the ending of --output, else table (predict: csv)' }
            @{ Names = @('--json'); Kind = 'flag'; Words = @(); About = 'the same as --format json' }
            @{ Names = @('--no-clobber'); Kind = 'flag'; Words = @(); About = 'never replace an existing file' }
            @{ Names = @('--quiet', '-q'); Kind = 'flag'; Words = @(); About = 'no notes and no progress; warnings stay' }
            @{ Names = @('--verbose', '-v'); Kind = 'flag'; Words = @(); About = 'long tables whole (a terminal shows 20 rows), and where the time went' }
            @{ Names = @('--color'); Kind = 'words'; Words = @('auto', 'always', 'never'); About = 'colour, by default on a terminal' }
            @{ Names = @('--strict'); Kind = 'flag'; Words = @(); About = 'exit with status 4 if there was a warning' }
        )
        'cv' = @(
            @{ Names = @('-h', '--help'); Kind = 'flag'; Words = @(); About = 'show the options' }
            @{ Names = @('--target', '-t'); Kind = 'columns'; Words = @(); About = 'what to predict, a,b for several (default: the last column)' }
            @{ Names = @('--features', '-x'); Kind = 'columns'; Words = @(); About = 'names or globs to use, a,b,x_* (default: all others)' }
            @{ Names = @('--drop'); Kind = 'columns'; Words = @(); About = 'names or globs to leave out' }
            @{ Names = @('--id'); Kind = 'column'; Words = @(); About = 'column carried through to predictions; no feature' }
            @{ Names = @('--positive'); Kind = 'free'; Words = @(); About = 'the class 1 (default: the last level)' }
            @{ Names = @('--weights'); Kind = 'column'; Words = @(); About = 'weight of each row' }
            @{ Names = @('--offset'); Kind = 'column'; Words = @(); About = 'added to the linear predictor as it is' }
            @{ Names = @('--exposure'); Kind = 'column'; Words = @(); About = 'its logarithm is the offset' }
            @{ Names = @('--categorical'); Kind = 'columns'; Words = @(); About = 'number columns to treat as levels' }
            @{ Names = @('--numeric'); Kind = 'columns'; Words = @(); About = 'columns that must be numbers' }
            @{ Names = @('--dates'); Kind = 'flag'; Words = @(); About = 'year, month, weekday and hour of columns of dates' }
            @{ Names = @('--interactions'); Kind = 'free'; Words = @(); About = 'products of two columns, ''age:sex,dose:*''' }
            @{ Names = @('--coding'); Kind = 'words'; Words = @('auto', 'onehot', 'treatment'); About = 'how levels become columns' }
            @{ Names = @('--reference'); Kind = 'pair'; Words = @(); About = 'level without a column of its own' }
            @{ Names = @('--missing'); Kind = 'words'; Words = @('impute', 'drop', 'error', 'indicator'); About = 'what to do with missing cells' }
            @{ Names = @('--delimiter'); Kind = 'free'; Words = @(); About = 'character between fields, or tab, space' }
            @{ Names = @('--decimal'); Kind = 'words'; Words = @('.', ','); About = 'decimal mark of the numbers' }
            @{ Names = @('--encoding'); Kind = 'free'; Words = @(); About = 'text encoding, for example latin-1' }
            @{ Names = @('--na'); Kind = 'free'; Words = @(); About = 'cells that mean missing, for example ''?,-,NA''' }
            @{ Names = @('--no-header'); Kind = 'flag'; Words = @(); About = 'the first line is data; columns are called x1, x2 and so on' }
            @{ Names = @('--max-expanded'); Kind = 'free'; Words = @(); About = 'refuse a file that unpacks to more (default: 1G, or 200 times its size)' }
            @{ Names = @('--relax-gamma'); Kind = 'free'; Words = @(); About = 'relaxed: G of the L1 solution, 1-G of the unpenalized fit on its features' }
            @{ Names = @('--tol'); Kind = 'free'; Words = @(); About = 'largest KKT residual that counts as solved' }
            @{ Names = @('--family'); Kind = 'words'; Words = @('auto', 'gaussian', 'binomial', 'multinomial', 'poisson', 'gamma', 'tweedie'); About = 'auto: two classes binomial, words multinomial, else gaussian' }
            @{ Names = @('--tweedie-power'); Kind = 'free'; Words = @(); About = 'variance mu^P of tweedie, 1 < P < 2 (1.5)' }
            @{ Names = @('--l1-ratio'); Kind = 'free'; Words = @(); About = 'the mix: 0 L2 (default), 1 L1, else elastic net; 0,0.5,1 tunes it' }
            @{ Names = @('--lambdas'); Kind = 'free'; Words = @(); About = 'auto[:N], LO:HI[:N], a,b,c or @FILE' }
            @{ Names = @('--lambda-scale'); Kind = 'words'; Words = @('sum', 'mean'); About = 'mean: lambda is per unit of weight, as in glmnet' }
            @{ Names = @('--penalty-factor'); Kind = 'pairs'; Words = @(); About = 'own strengths, ''age=0,gene_*=2'' (0: not penalized)' }
            @{ Names = @('--bounds'); Kind = 'free'; Words = @(); About = 'bounds of coefficients, ''x=0:,y=-1:1''' }
            @{ Names = @('--groups'); Kind = 'free'; Words = @(); About = 'groups of columns, ''g1=a,b;g2=c_*'', or dummies: text columns' }
            @{ Names = @('--group-penalty'); Kind = 'words'; Words = @('lasso', 'banded'); About = 'lasso: in or out whole (default); banded: a lambda each' }
            @{ Names = @('--group-lambda'); Kind = 'free'; Words = @(); About = 'lambdas of a banded penalty (default: chosen)' }
            @{ Names = @('--standardize', '--no-standardize'); Kind = 'flag'; Words = @(); About = 'penalize the weights of standardized columns' }
            @{ Names = @('--intercept', '--no-intercept'); Kind = 'flag'; Words = @(); About = 'fit an intercept, never penalized' }
            @{ Names = @('--nested'); Kind = 'flag'; Words = @(); About = 'also tune lambda anew inside every fold: the error of the procedure' }
            @{ Names = @('--rule'); Kind = 'words'; Words = @('min', '1se'); About = 'the best, or within one se of it (default min)' }
            @{ Names = @('--folds', '-k'); Kind = 'free'; Words = @(); About = 'number of folds (default 10)' }
            @{ Names = @('--repeats'); Kind = 'free'; Words = @(); About = 'repeat with new folds (default 1)' }
            @{ Names = @('--fold-column'); Kind = 'column'; Words = @(); About = 'column with the fold of each row; no feature' }
            @{ Names = @('--group-column'); Kind = 'column'; Words = @(); About = 'rows of one group stay in one fold; no feature' }
            @{ Names = @('--time-column'); Kind = 'column'; Words = @(); About = 'train on earlier rows, test on later; no feature' }
            @{ Names = @('--gap'); Kind = 'free'; Words = @(); About = 'left out before tested rows: 20 rows, or 7d, 12h, 30min' }
            @{ Names = @('--metric'); Kind = 'words'; Words = @('deviance', 'mse', 'rmse', 'mae', 'r2', 'accuracy', 'error', 'auc', 'log_loss', 'brier', 'f1'); About = 'what is compared (default: deviance, for gaussian the mse)' }
            @{ Names = @('--seed'); Kind = 'free'; Words = @(); About = 'seed of the folds' }
            @{ Names = @('--jobs', '-j'); Kind = 'free'; Words = @(); About = 'processes, -1 for all cores (default: as many as help)' }
            @{ Names = @('--save'); Kind = 'file'; Words = @(); About = 'save the model for predict and evaluate' }
            @{ Names = @('--no-progress'); Kind = 'flag'; Words = @(); About = 'no progress line on the terminal' }
            @{ Names = @('--output', '-o'); Kind = 'file'; Words = @(); About = 'write the result here, whole or not at all' }
            @{ Names = @('--format', '-f'); Kind = 'words'; Words = @('table', 'json', 'jsonl', 'csv', 'md'); About = 'default: by the ending of --output, else table (predict: csv)' }
            @{ Names = @('--json'); Kind = 'flag'; Words = @(); About = 'the same as --format json' }
            @{ Names = @('--no-clobber'); Kind = 'flag'; Words = @(); About = 'never replace an existing file' }
            @{ Names = @('--quiet', '-q'); Kind = 'flag'; Words = @(); About = 'no notes and no progress; warnings stay' }
            @{ Names = @('--verbose', '-v'); Kind = 'flag'; Words = @(); About = 'long tables whole (a terminal shows 20 rows), and where the time went' }
            @{ Names = @('--color'); Kind = 'words'; Words = @('auto', 'always', 'never'); About = 'colour, by default on a terminal' }
            @{ Names = @('--strict'); Kind = 'flag'; Words = @(); About = 'exit with status 4 if there was a warning' }
        )
        'path' = @(
            @{ Names = @('-h', '--help'); Kind = 'flag'; Words = @(); About = 'show the options' }
            @{ Names = @('--target', '-t'); Kind = 'columns'; Words = @(); About = 'what to predict, a,b for several (default: the last column)' }
            @{ Names = @('--features', '-x'); Kind = 'columns'; Words = @(); About = 'names or globs to use, a,b,x_* (default: all others)' }
            @{ Names = @('--drop'); Kind = 'columns'; Words = @(); About = 'names or globs to leave out' }
            @{ Names = @('--id'); Kind = 'column'; Words = @(); About = 'column carried through to predictions; no feature' }
            @{ Names = @('--positive'); Kind = 'free'; Words = @(); About = 'the class 1 (default: the last level)' }
            @{ Names = @('--weights'); Kind = 'column'; Words = @(); About = 'weight of each row' }
            @{ Names = @('--offset'); Kind = 'column'; Words = @(); About = 'added to the linear predictor as it is' }
            @{ Names = @('--exposure'); Kind = 'column'; Words = @(); About = 'its logarithm is the offset' }
            @{ Names = @('--categorical'); Kind = 'columns'; Words = @(); About = 'number columns to treat as levels' }
            @{ Names = @('--numeric'); Kind = 'columns'; Words = @(); About = 'columns that must be numbers' }
            @{ Names = @('--dates'); Kind = 'flag'; Words = @(); About = 'year, month, weekday and hour of columns of dates' }
            @{ Names = @('--interactions'); Kind = 'free'; Words = @(); About = 'products of two columns, ''age:sex,dose:*''' }
            @{ Names = @('--coding'); Kind = 'words'; Words = @('auto', 'onehot', 'treatment'); About = 'how levels become columns' }
            @{ Names = @('--reference'); Kind = 'pair'; Words = @(); About = 'level without a column of its own' }
            @{ Names = @('--missing'); Kind = 'words'; Words = @('impute', 'drop', 'error', 'indicator'); About = 'what to do with missing cells' }
            @{ Names = @('--delimiter'); Kind = 'free'; Words = @(); About = 'character between fields, or tab, space' }
            @{ Names = @('--decimal'); Kind = 'words'; Words = @('.', ','); About = 'decimal mark of the numbers' }
            @{ Names = @('--encoding'); Kind = 'free'; Words = @(); About = 'text encoding, for example latin-1' }
            @{ Names = @('--na'); Kind = 'free'; Words = @(); About = 'cells that mean missing, for example ''?,-,NA''' }
            @{ Names = @('--no-header'); Kind = 'flag'; Words = @(); About = 'the first line is data; columns are called x1, x2 and so on' }
            @{ Names = @('--max-expanded'); Kind = 'free'; Words = @(); About = 'refuse a file that unpacks to more (default: 1G, or 200 times its size)' }
            @{ Names = @('--relax-gamma'); Kind = 'free'; Words = @(); About = 'relaxed: G of the L1 solution, 1-G of the unpenalized fit on its features' }
            @{ Names = @('--tol'); Kind = 'free'; Words = @(); About = 'largest KKT residual that counts as solved' }
            @{ Names = @('--family'); Kind = 'words'; Words = @('auto', 'gaussian', 'binomial', 'multinomial', 'poisson', 'gamma', 'tweedie'); About = 'auto: two classes binomial, words multinomial, else gaussian' }
            @{ Names = @('--tweedie-power'); Kind = 'free'; Words = @(); About = 'variance mu^P of tweedie, 1 < P < 2 (1.5)' }
            @{ Names = @('--l1-ratio'); Kind = 'free'; Words = @(); About = 'the mix: 0 L2 (default), 1 L1, else elastic net; 0,0.5,1 tunes it' }
            @{ Names = @('--lambdas'); Kind = 'free'; Words = @(); About = 'auto[:N], LO:HI[:N], a,b,c or @FILE' }
            @{ Names = @('--lambda-scale'); Kind = 'words'; Words = @('sum', 'mean'); About = 'mean: lambda is per unit of weight, as in glmnet' }
            @{ Names = @('--penalty-factor'); Kind = 'pairs'; Words = @(); About = 'own strengths, ''age=0,gene_*=2'' (0: not penalized)' }
            @{ Names = @('--bounds'); Kind = 'free'; Words = @(); About = 'bounds of coefficients, ''x=0:,y=-1:1''' }
            @{ Names = @('--groups'); Kind = 'free'; Words = @(); About = 'groups of columns, ''g1=a,b;g2=c_*'', or dummies: text columns' }
            @{ Names = @('--group-penalty'); Kind = 'words'; Words = @('lasso', 'banded'); About = 'lasso: in or out whole (default); banded: a lambda each' }
            @{ Names = @('--group-lambda'); Kind = 'free'; Words = @(); About = 'lambdas of a banded penalty (default: chosen)' }
            @{ Names = @('--standardize', '--no-standardize'); Kind = 'flag'; Words = @(); About = 'penalize the weights of standardized columns' }
            @{ Names = @('--intercept', '--no-intercept'); Kind = 'flag'; Words = @(); About = 'fit an intercept, never penalized' }
            @{ Names = @('--output', '-o'); Kind = 'file'; Words = @(); About = 'write the result here, whole or not at all' }
            @{ Names = @('--format', '-f'); Kind = 'words'; Words = @('table', 'json', 'jsonl', 'csv', 'md'); About = 'default: by the ending of --output, else table (predict: csv)' }
            @{ Names = @('--json'); Kind = 'flag'; Words = @(); About = 'the same as --format json' }
            @{ Names = @('--no-clobber'); Kind = 'flag'; Words = @(); About = 'never replace an existing file' }
            @{ Names = @('--quiet', '-q'); Kind = 'flag'; Words = @(); About = 'no notes and no progress; warnings stay' }
            @{ Names = @('--verbose', '-v'); Kind = 'flag'; Words = @(); About = 'long tables whole (a terminal shows 20 rows), and where the time went' }
            @{ Names = @('--color'); Kind = 'words'; Words = @('auto', 'always', 'never'); About = 'colour, by default on a terminal' }
            @{ Names = @('--strict'); Kind = 'flag'; Words = @(); About = 'exit with status 4 if there was a warning' }
        )
        'compare' = @(
            @{ Names = @('-h', '--help'); Kind = 'flag'; Words = @(); About = 'show the options' }
            @{ Names = @('--models'); Kind = 'free'; Words = @(); About = 'mean, ols, ridge, lasso, enet:R, relaxed:G, group, sklearn:Name; ridge:1se' }
            @{ Names = @('--target', '-t'); Kind = 'columns'; Words = @(); About = 'what to predict, a,b for several (default: the last column)' }
            @{ Names = @('--features', '-x'); Kind = 'columns'; Words = @(); About = 'names or globs to use, a,b,x_* (default: all others)' }
            @{ Names = @('--drop'); Kind = 'columns'; Words = @(); About = 'names or globs to leave out' }
            @{ Names = @('--id'); Kind = 'column'; Words = @(); About = 'column carried through to predictions; no feature' }
            @{ Names = @('--positive'); Kind = 'free'; Words = @(); About = 'the class 1 (default: the last level)' }
            @{ Names = @('--weights'); Kind = 'column'; Words = @(); About = 'weight of each row' }
            @{ Names = @('--offset'); Kind = 'column'; Words = @(); About = 'added to the linear predictor as it is' }
            @{ Names = @('--exposure'); Kind = 'column'; Words = @(); About = 'its logarithm is the offset' }
            @{ Names = @('--categorical'); Kind = 'columns'; Words = @(); About = 'number columns to treat as levels' }
            @{ Names = @('--numeric'); Kind = 'columns'; Words = @(); About = 'columns that must be numbers' }
            @{ Names = @('--dates'); Kind = 'flag'; Words = @(); About = 'year, month, weekday and hour of columns of dates' }
            @{ Names = @('--interactions'); Kind = 'free'; Words = @(); About = 'products of two columns, ''age:sex,dose:*''' }
            @{ Names = @('--coding'); Kind = 'words'; Words = @('auto', 'onehot', 'treatment'); About = 'how levels become columns' }
            @{ Names = @('--reference'); Kind = 'pair'; Words = @(); About = 'level without a column of its own' }
            @{ Names = @('--missing'); Kind = 'words'; Words = @('impute', 'drop', 'error', 'indicator'); About = 'what to do with missing cells' }
            @{ Names = @('--delimiter'); Kind = 'free'; Words = @(); About = 'character between fields, or tab, space' }
            @{ Names = @('--decimal'); Kind = 'words'; Words = @('.', ','); About = 'decimal mark of the numbers' }
            @{ Names = @('--encoding'); Kind = 'free'; Words = @(); About = 'text encoding, for example latin-1' }
            @{ Names = @('--na'); Kind = 'free'; Words = @(); About = 'cells that mean missing, for example ''?,-,NA''' }
            @{ Names = @('--no-header'); Kind = 'flag'; Words = @(); About = 'the first line is data; columns are called x1, x2 and so on' }
            @{ Names = @('--max-expanded'); Kind = 'free'; Words = @(); About = 'refuse a file that unpacks to more (default: 1G, or 200 times its size)' }
            @{ Names = @('--family'); Kind = 'words'; Words = @('auto', 'gaussian', 'binomial', 'multinomial', 'poisson', 'gamma', 'tweedie'); About = 'auto: two classes binomial, words multinomial, else gaussian' }
            @{ Names = @('--tweedie-power'); Kind = 'free'; Words = @(); About = 'variance mu^P of tweedie, 1 < P < 2 (1.5)' }
            @{ Names = @('--l1-ratio'); Kind = 'free'; Words = @(); About = 'the mix: 0 L2 (default), 1 L1, else elastic net; 0,0.5,1 tunes it' }
            @{ Names = @('--lambdas'); Kind = 'free'; Words = @(); About = 'auto[:N], LO:HI[:N], a,b,c or @FILE' }
            @{ Names = @('--lambda-scale'); Kind = 'words'; Words = @('sum', 'mean'); About = 'mean: lambda is per unit of weight, as in glmnet' }
            @{ Names = @('--penalty-factor'); Kind = 'pairs'; Words = @(); About = 'own strengths, ''age=0,gene_*=2'' (0: not penalized)' }
            @{ Names = @('--bounds'); Kind = 'free'; Words = @(); About = 'bounds of coefficients, ''x=0:,y=-1:1''' }
            @{ Names = @('--groups'); Kind = 'free'; Words = @(); About = 'groups of columns, ''g1=a,b;g2=c_*'', or dummies: text columns' }
            @{ Names = @('--group-penalty'); Kind = 'words'; Words = @('lasso', 'banded'); About = 'lasso: in or out whole (default); banded: a lambda each' }
            @{ Names = @('--group-lambda'); Kind = 'free'; Words = @(); About = 'lambdas of a banded penalty (default: chosen)' }
            @{ Names = @('--standardize', '--no-standardize'); Kind = 'flag'; Words = @(); About = 'penalize the weights of standardized columns' }
            @{ Names = @('--intercept', '--no-intercept'); Kind = 'flag'; Words = @(); About = 'fit an intercept, never penalized' }
            @{ Names = @('--folds', '-k'); Kind = 'free'; Words = @(); About = 'number of folds (default 10)' }
            @{ Names = @('--repeats'); Kind = 'free'; Words = @(); About = 'repeat with new folds (default 1)' }
            @{ Names = @('--fold-column'); Kind = 'column'; Words = @(); About = 'column with the fold of each row; no feature' }
            @{ Names = @('--group-column'); Kind = 'column'; Words = @(); About = 'rows of one group stay in one fold; no feature' }
            @{ Names = @('--time-column'); Kind = 'column'; Words = @(); About = 'train on earlier rows, test on later; no feature' }
            @{ Names = @('--gap'); Kind = 'free'; Words = @(); About = 'left out before tested rows: 20 rows, or 7d, 12h, 30min' }
            @{ Names = @('--metric'); Kind = 'words'; Words = @('deviance', 'mse', 'rmse', 'mae', 'r2', 'accuracy', 'error', 'auc', 'log_loss', 'brier', 'f1'); About = 'what is compared (default: deviance, for gaussian the mse)' }
            @{ Names = @('--seed'); Kind = 'free'; Words = @(); About = 'seed of the folds' }
            @{ Names = @('--jobs', '-j'); Kind = 'free'; Words = @(); About = 'processes, -1 for all cores (default: as many as help)' }
            @{ Names = @('--no-progress'); Kind = 'flag'; Words = @(); About = 'no progress line on the terminal' }
            @{ Names = @('--output', '-o'); Kind = 'file'; Words = @(); About = 'write the result here, whole or not at all' }
            @{ Names = @('--format', '-f'); Kind = 'words'; Words = @('table', 'json', 'jsonl', 'csv', 'md'); About = 'default: by the ending of --output, else table (predict: csv)' }
            @{ Names = @('--json'); Kind = 'flag'; Words = @(); About = 'the same as --format json' }
            @{ Names = @('--no-clobber'); Kind = 'flag'; Words = @(); About = 'never replace an existing file' }
            @{ Names = @('--quiet', '-q'); Kind = 'flag'; Words = @(); About = 'no notes and no progress; warnings stay' }
            @{ Names = @('--verbose', '-v'); Kind = 'flag'; Words = @(); About = 'long tables whole (a terminal shows 20 rows), and where the time went' }
            @{ Names = @('--color'); Kind = 'words'; Words = @('auto', 'always', 'never'); About = 'colour, by default on a terminal' }
            @{ Names = @('--strict'); Kind = 'flag'; Words = @(); About = 'exit with status 4 if there was a warning' }
        )
        'explain' = @(
            @{ Names = @('-h', '--help'); Kind = 'flag'; Words = @(); About = 'show the options' }
            @{ Names = @('--target', '-t'); Kind = 'columns'; Words = @(); About = 'what to predict, a,b for several (default: the last column)' }
            @{ Names = @('--features', '-x'); Kind = 'columns'; Words = @(); About = 'names or globs to use, a,b,x_* (default: all others)' }
            @{ Names = @('--drop'); Kind = 'columns'; Words = @(); About = 'names or globs to leave out' }
            @{ Names = @('--id'); Kind = 'column'; Words = @(); About = 'column carried through to predictions; no feature' }
            @{ Names = @('--positive'); Kind = 'free'; Words = @(); About = 'the class 1 (default: the last level)' }
            @{ Names = @('--weights'); Kind = 'column'; Words = @(); About = 'weight of each row' }
            @{ Names = @('--offset'); Kind = 'column'; Words = @(); About = 'added to the linear predictor as it is' }
            @{ Names = @('--exposure'); Kind = 'column'; Words = @(); About = 'its logarithm is the offset' }
            @{ Names = @('--categorical'); Kind = 'columns'; Words = @(); About = 'number columns to treat as levels' }
            @{ Names = @('--numeric'); Kind = 'columns'; Words = @(); About = 'columns that must be numbers' }
            @{ Names = @('--dates'); Kind = 'flag'; Words = @(); About = 'year, month, weekday and hour of columns of dates' }
            @{ Names = @('--interactions'); Kind = 'free'; Words = @(); About = 'products of two columns, ''age:sex,dose:*''' }
            @{ Names = @('--coding'); Kind = 'words'; Words = @('auto', 'onehot', 'treatment'); About = 'how levels become columns' }
            @{ Names = @('--reference'); Kind = 'pair'; Words = @(); About = 'level without a column of its own' }
            @{ Names = @('--missing'); Kind = 'words'; Words = @('impute', 'drop', 'error', 'indicator'); About = 'what to do with missing cells' }
            @{ Names = @('--delimiter'); Kind = 'free'; Words = @(); About = 'character between fields, or tab, space' }
            @{ Names = @('--decimal'); Kind = 'words'; Words = @('.', ','); About = 'decimal mark of the numbers' }
            @{ Names = @('--encoding'); Kind = 'free'; Words = @(); About = 'text encoding, for example latin-1' }
            @{ Names = @('--na'); Kind = 'free'; Words = @(); About = 'cells that mean missing, for example ''?,-,NA''' }
            @{ Names = @('--no-header'); Kind = 'flag'; Words = @(); About = 'the first line is data; columns are called x1, x2 and so on' }
            @{ Names = @('--max-expanded'); Kind = 'free'; Words = @(); About = 'refuse a file that unpacks to more (default: 1G, or 200 times its size)' }
            @{ Names = @('--lambda'); Kind = 'words'; Words = @('auto'); About = 'the strength; auto chooses it from --lambdas' }
            @{ Names = @('--relax-gamma'); Kind = 'free'; Words = @(); About = 'relaxed: G of the L1 solution, 1-G of the unpenalized fit on its features' }
            @{ Names = @('--tol'); Kind = 'free'; Words = @(); About = 'largest KKT residual that counts as solved' }
            @{ Names = @('--family'); Kind = 'words'; Words = @('auto', 'gaussian', 'binomial', 'multinomial', 'poisson', 'gamma', 'tweedie'); About = 'auto: two classes binomial, words multinomial, else gaussian' }
            @{ Names = @('--tweedie-power'); Kind = 'free'; Words = @(); About = 'variance mu^P of tweedie, 1 < P < 2 (1.5)' }
            @{ Names = @('--l1-ratio'); Kind = 'free'; Words = @(); About = 'the mix: 0 L2 (default), 1 L1, else elastic net; 0,0.5,1 tunes it' }
            @{ Names = @('--lambdas'); Kind = 'free'; Words = @(); About = 'auto[:N], LO:HI[:N], a,b,c or @FILE' }
            @{ Names = @('--lambda-scale'); Kind = 'words'; Words = @('sum', 'mean'); About = 'mean: lambda is per unit of weight, as in glmnet' }
            @{ Names = @('--penalty-factor'); Kind = 'pairs'; Words = @(); About = 'own strengths, ''age=0,gene_*=2'' (0: not penalized)' }
            @{ Names = @('--bounds'); Kind = 'free'; Words = @(); About = 'bounds of coefficients, ''x=0:,y=-1:1''' }
            @{ Names = @('--groups'); Kind = 'free'; Words = @(); About = 'groups of columns, ''g1=a,b;g2=c_*'', or dummies: text columns' }
            @{ Names = @('--group-penalty'); Kind = 'words'; Words = @('lasso', 'banded'); About = 'lasso: in or out whole (default); banded: a lambda each' }
            @{ Names = @('--group-lambda'); Kind = 'free'; Words = @(); About = 'lambdas of a banded penalty (default: chosen)' }
            @{ Names = @('--standardize', '--no-standardize'); Kind = 'flag'; Words = @(); About = 'penalize the weights of standardized columns' }
            @{ Names = @('--intercept', '--no-intercept'); Kind = 'flag'; Words = @(); About = 'fit an intercept, never penalized' }
            @{ Names = @('--select'); Kind = 'words'; Words = @('auto', 'loo', 'cv', 'gcv', 'evidence', 'holdout'); About = 'how lambda is chosen (default auto)' }
            @{ Names = @('--holdout'); Kind = 'file'; Words = @(); About = 'judge by a part of the rows kept aside (0.25), or by a file of others' }
            @{ Names = @('--unseen'); Kind = 'words'; Words = @('error', 'baseline', 'missing'); About = 'levels of other rows that the model never saw' }
            @{ Names = @('--rule'); Kind = 'words'; Words = @('min', '1se'); About = 'the best, or within one se of it (default min)' }
            @{ Names = @('--folds', '-k'); Kind = 'free'; Words = @(); About = 'number of folds (default 10)' }
            @{ Names = @('--repeats'); Kind = 'free'; Words = @(); About = 'repeat with new folds (default 1)' }
            @{ Names = @('--fold-column'); Kind = 'column'; Words = @(); About = 'column with the fold of each row; no feature' }
            @{ Names = @('--group-column'); Kind = 'column'; Words = @(); About = 'rows of one group stay in one fold; no feature' }
            @{ Names = @('--time-column'); Kind = 'column'; Words = @(); About = 'train on earlier rows, test on later; no feature' }
            @{ Names = @('--gap'); Kind = 'free'; Words = @(); About = 'left out before tested rows: 20 rows, or 7d, 12h, 30min' }
            @{ Names = @('--metric'); Kind = 'words'; Words = @('deviance', 'mse', 'rmse', 'mae', 'r2', 'accuracy', 'error', 'auc', 'log_loss', 'brier', 'f1'); About = 'what is compared (default: deviance, for gaussian the mse)' }
            @{ Names = @('--seed'); Kind = 'free'; Words = @(); About = 'seed of the folds' }
            @{ Names = @('--jobs', '-j'); Kind = 'free'; Words = @(); About = 'processes, -1 for all cores (default: as many as help)' }
            @{ Names = @('--inference'); Kind = 'words'; Words = @('shrunken', 'debiased', 'bootstrap'); About = 'standard errors: about the shrunken mean, debiased, or by refits' }
            @{ Names = @('--save'); Kind = 'file'; Words = @(); About = 'save the model for predict and evaluate' }
            @{ Names = @('--no-progress'); Kind = 'flag'; Words = @(); About = 'no progress line on the terminal' }
            @{ Names = @('--output', '-o'); Kind = 'file'; Words = @(); About = 'write the result here, whole or not at all' }
            @{ Names = @('--format', '-f'); Kind = 'words'; Words = @('table', 'json', 'jsonl', 'csv', 'md'); About = 'default: by the ending of --output, else table (predict: csv)' }
            @{ Names = @('--json'); Kind = 'flag'; Words = @(); About = 'the same as --format json' }
            @{ Names = @('--no-clobber'); Kind = 'flag'; Words = @(); About = 'never replace an existing file' }
            @{ Names = @('--quiet', '-q'); Kind = 'flag'; Words = @(); About = 'no notes and no progress; warnings stay' }
            @{ Names = @('--verbose', '-v'); Kind = 'flag'; Words = @(); About = 'long tables whole (a terminal shows 20 rows), and where the time went' }
            @{ Names = @('--color'); Kind = 'words'; Words = @('auto', 'always', 'never'); About = 'colour, by default on a terminal' }
            @{ Names = @('--strict'); Kind = 'flag'; Words = @(); About = 'exit with status 4 if there was a warning' }
        )
        'tradeoff' = @(
            @{ Names = @('-h', '--help'); Kind = 'flag'; Words = @(); About = 'show the options' }
            @{ Names = @('--simulate'); Kind = 'flag'; Words = @(); About = 'take the best fit as the truth: exact parts, and Monte Carlo' }
            @{ Names = @('--draws'); Kind = 'free'; Words = @(); About = 'bootstrap draws or replicates (default 400; where refitted 50)' }
            @{ Names = @('--target', '-t'); Kind = 'columns'; Words = @(); About = 'what to predict, a,b for several (default: the last column)' }
            @{ Names = @('--features', '-x'); Kind = 'columns'; Words = @(); About = 'names or globs to use, a,b,x_* (default: all others)' }
            @{ Names = @('--drop'); Kind = 'columns'; Words = @(); About = 'names or globs to leave out' }
            @{ Names = @('--id'); Kind = 'column'; Words = @(); About = 'column carried through to predictions; no feature' }
            @{ Names = @('--positive'); Kind = 'free'; Words = @(); About = 'the class 1 (default: the last level)' }
            @{ Names = @('--weights'); Kind = 'column'; Words = @(); About = 'weight of each row' }
            @{ Names = @('--offset'); Kind = 'column'; Words = @(); About = 'added to the linear predictor as it is' }
            @{ Names = @('--exposure'); Kind = 'column'; Words = @(); About = 'its logarithm is the offset' }
            @{ Names = @('--categorical'); Kind = 'columns'; Words = @(); About = 'number columns to treat as levels' }
            @{ Names = @('--numeric'); Kind = 'columns'; Words = @(); About = 'columns that must be numbers' }
            @{ Names = @('--dates'); Kind = 'flag'; Words = @(); About = 'year, month, weekday and hour of columns of dates' }
            @{ Names = @('--interactions'); Kind = 'free'; Words = @(); About = 'products of two columns, ''age:sex,dose:*''' }
            @{ Names = @('--coding'); Kind = 'words'; Words = @('auto', 'onehot', 'treatment'); About = 'how levels become columns' }
            @{ Names = @('--reference'); Kind = 'pair'; Words = @(); About = 'level without a column of its own' }
            @{ Names = @('--missing'); Kind = 'words'; Words = @('impute', 'drop', 'error', 'indicator'); About = 'what to do with missing cells' }
            @{ Names = @('--delimiter'); Kind = 'free'; Words = @(); About = 'character between fields, or tab, space' }
            @{ Names = @('--decimal'); Kind = 'words'; Words = @('.', ','); About = 'decimal mark of the numbers' }
            @{ Names = @('--encoding'); Kind = 'free'; Words = @(); About = 'text encoding, for example latin-1' }
            @{ Names = @('--na'); Kind = 'free'; Words = @(); About = 'cells that mean missing, for example ''?,-,NA''' }
            @{ Names = @('--no-header'); Kind = 'flag'; Words = @(); About = 'the first line is data; columns are called x1, x2 and so on' }
            @{ Names = @('--max-expanded'); Kind = 'free'; Words = @(); About = 'refuse a file that unpacks to more (default: 1G, or 200 times its size)' }
            @{ Names = @('--family'); Kind = 'words'; Words = @('auto', 'gaussian', 'binomial', 'multinomial', 'poisson', 'gamma', 'tweedie'); About = 'auto: two classes binomial, words multinomial, else gaussian' }
            @{ Names = @('--tweedie-power'); Kind = 'free'; Words = @(); About = 'variance mu^P of tweedie, 1 < P < 2 (1.5)' }
            @{ Names = @('--l1-ratio'); Kind = 'free'; Words = @(); About = 'the mix: 0 L2 (default), 1 L1, else elastic net; 0,0.5,1 tunes it' }
            @{ Names = @('--lambdas'); Kind = 'free'; Words = @(); About = 'auto[:N], LO:HI[:N], a,b,c or @FILE' }
            @{ Names = @('--lambda-scale'); Kind = 'words'; Words = @('sum', 'mean'); About = 'mean: lambda is per unit of weight, as in glmnet' }
            @{ Names = @('--penalty-factor'); Kind = 'pairs'; Words = @(); About = 'own strengths, ''age=0,gene_*=2'' (0: not penalized)' }
            @{ Names = @('--bounds'); Kind = 'free'; Words = @(); About = 'bounds of coefficients, ''x=0:,y=-1:1''' }
            @{ Names = @('--groups'); Kind = 'free'; Words = @(); About = 'groups of columns, ''g1=a,b;g2=c_*'', or dummies: text columns' }
            @{ Names = @('--group-penalty'); Kind = 'words'; Words = @('lasso', 'banded'); About = 'lasso: in or out whole (default); banded: a lambda each' }
            @{ Names = @('--group-lambda'); Kind = 'free'; Words = @(); About = 'lambdas of a banded penalty (default: chosen)' }
            @{ Names = @('--standardize', '--no-standardize'); Kind = 'flag'; Words = @(); About = 'penalize the weights of standardized columns' }
            @{ Names = @('--intercept', '--no-intercept'); Kind = 'flag'; Words = @(); About = 'fit an intercept, never penalized' }
            @{ Names = @('--folds', '-k'); Kind = 'free'; Words = @(); About = 'number of folds (default 10)' }
            @{ Names = @('--repeats'); Kind = 'free'; Words = @(); About = 'repeat with new folds (default 1)' }
            @{ Names = @('--fold-column'); Kind = 'column'; Words = @(); About = 'column with the fold of each row; no feature' }
            @{ Names = @('--group-column'); Kind = 'column'; Words = @(); About = 'rows of one group stay in one fold; no feature' }
            @{ Names = @('--time-column'); Kind = 'column'; Words = @(); About = 'train on earlier rows, test on later; no feature' }
            @{ Names = @('--gap'); Kind = 'free'; Words = @(); About = 'left out before tested rows: 20 rows, or 7d, 12h, 30min' }
            @{ Names = @('--metric'); Kind = 'words'; Words = @('deviance', 'mse', 'rmse', 'mae', 'r2', 'accuracy', 'error', 'auc', 'log_loss', 'brier', 'f1'); About = 'what is compared (default: deviance, for gaussian the mse)' }
            @{ Names = @('--seed'); Kind = 'free'; Words = @(); About = 'seed of the folds' }
            @{ Names = @('--jobs', '-j'); Kind = 'free'; Words = @(); About = 'processes, -1 for all cores (default: as many as help)' }
            @{ Names = @('--no-progress'); Kind = 'flag'; Words = @(); About = 'no progress line on the terminal' }
            @{ Names = @('--output', '-o'); Kind = 'file'; Words = @(); About = 'write the result here, whole or not at all' }
            @{ Names = @('--format', '-f'); Kind = 'words'; Words = @('table', 'json', 'jsonl', 'csv', 'md'); About = 'default: by the ending of --output, else table (predict: csv)' }
            @{ Names = @('--json'); Kind = 'flag'; Words = @(); About = 'the same as --format json' }
            @{ Names = @('--no-clobber'); Kind = 'flag'; Words = @(); About = 'never replace an existing file' }
            @{ Names = @('--quiet', '-q'); Kind = 'flag'; Words = @(); About = 'no notes and no progress; warnings stay' }
            @{ Names = @('--verbose', '-v'); Kind = 'flag'; Words = @(); About = 'long tables whole (a terminal shows 20 rows), and where the time went' }
            @{ Names = @('--color'); Kind = 'words'; Words = @('auto', 'always', 'never'); About = 'colour, by default on a terminal' }
            @{ Names = @('--strict'); Kind = 'flag'; Words = @(); About = 'exit with status 4 if there was a warning' }
        )
        'predict' = @(
            @{ Names = @('-h', '--help'); Kind = 'flag'; Words = @(); About = 'show the options' }
            @{ Names = @('--id'); Kind = 'column'; Words = @(); About = 'column carried through to predictions; no feature' }
            @{ Names = @('--interval'); Kind = 'free'; Words = @(); About = 'also an interval for the target, 0.9 say (numbers)' }
            @{ Names = @('--unseen'); Kind = 'words'; Words = @('error', 'baseline', 'missing'); About = 'levels of other rows that the model never saw' }
            @{ Names = @('--threshold'); Kind = 'free'; Words = @(); About = 'probability from which a row is positive (default 0.5)' }
            @{ Names = @('--delimiter'); Kind = 'free'; Words = @(); About = 'character between fields, or tab, space' }
            @{ Names = @('--decimal'); Kind = 'words'; Words = @('.', ','); About = 'decimal mark of the numbers' }
            @{ Names = @('--encoding'); Kind = 'free'; Words = @(); About = 'text encoding, for example latin-1' }
            @{ Names = @('--na'); Kind = 'free'; Words = @(); About = 'cells that mean missing, for example ''?,-,NA''' }
            @{ Names = @('--no-header'); Kind = 'flag'; Words = @(); About = 'the first line is data; columns are called x1, x2 and so on' }
            @{ Names = @('--max-expanded'); Kind = 'free'; Words = @(); About = 'refuse a file that unpacks to more (default: 1G, or 200 times its size)' }
            @{ Names = @('--output', '-o'); Kind = 'file'; Words = @(); About = 'write the result here, whole or not at all' }
            @{ Names = @('--format', '-f'); Kind = 'words'; Words = @('table', 'json', 'jsonl', 'csv', 'md'); About = 'default: by the ending of --output, else table (predict: csv)' }
            @{ Names = @('--json'); Kind = 'flag'; Words = @(); About = 'the same as --format json' }
            @{ Names = @('--no-clobber'); Kind = 'flag'; Words = @(); About = 'never replace an existing file' }
            @{ Names = @('--quiet', '-q'); Kind = 'flag'; Words = @(); About = 'no notes and no progress; warnings stay' }
            @{ Names = @('--verbose', '-v'); Kind = 'flag'; Words = @(); About = 'long tables whole (a terminal shows 20 rows), and where the time went' }
            @{ Names = @('--color'); Kind = 'words'; Words = @('auto', 'always', 'never'); About = 'colour, by default on a terminal' }
            @{ Names = @('--strict'); Kind = 'flag'; Words = @(); About = 'exit with status 4 if there was a warning' }
        )
        'evaluate' = @(
            @{ Names = @('-h', '--help'); Kind = 'flag'; Words = @(); About = 'show the options' }
            @{ Names = @('--unseen'); Kind = 'words'; Words = @('error', 'baseline', 'missing'); About = 'levels of other rows that the model never saw' }
            @{ Names = @('--threshold'); Kind = 'free'; Words = @(); About = 'probability from which a row is positive (default 0.5)' }
            @{ Names = @('--delimiter'); Kind = 'free'; Words = @(); About = 'character between fields, or tab, space' }
            @{ Names = @('--decimal'); Kind = 'words'; Words = @('.', ','); About = 'decimal mark of the numbers' }
            @{ Names = @('--encoding'); Kind = 'free'; Words = @(); About = 'text encoding, for example latin-1' }
            @{ Names = @('--na'); Kind = 'free'; Words = @(); About = 'cells that mean missing, for example ''?,-,NA''' }
            @{ Names = @('--no-header'); Kind = 'flag'; Words = @(); About = 'the first line is data; columns are called x1, x2 and so on' }
            @{ Names = @('--max-expanded'); Kind = 'free'; Words = @(); About = 'refuse a file that unpacks to more (default: 1G, or 200 times its size)' }
            @{ Names = @('--output', '-o'); Kind = 'file'; Words = @(); About = 'write the result here, whole or not at all' }
            @{ Names = @('--format', '-f'); Kind = 'words'; Words = @('table', 'json', 'jsonl', 'csv', 'md'); About = 'default: by the ending of --output, else table (predict: csv)' }
            @{ Names = @('--json'); Kind = 'flag'; Words = @(); About = 'the same as --format json' }
            @{ Names = @('--no-clobber'); Kind = 'flag'; Words = @(); About = 'never replace an existing file' }
            @{ Names = @('--quiet', '-q'); Kind = 'flag'; Words = @(); About = 'no notes and no progress; warnings stay' }
            @{ Names = @('--verbose', '-v'); Kind = 'flag'; Words = @(); About = 'long tables whole (a terminal shows 20 rows), and where the time went' }
            @{ Names = @('--color'); Kind = 'words'; Words = @('auto', 'always', 'never'); About = 'colour, by default on a terminal' }
            @{ Names = @('--strict'); Kind = 'flag'; Words = @(); About = 'exit with status 4 if there was a warning' }
        )
        'inspect' = @(
            @{ Names = @('-h', '--help'); Kind = 'flag'; Words = @(); About = 'show the options' }
            @{ Names = @('--target', '-t'); Kind = 'columns'; Words = @(); About = 'what to predict, a,b for several (default: the last column)' }
            @{ Names = @('--features', '-x'); Kind = 'columns'; Words = @(); About = 'names or globs to use, a,b,x_* (default: all others)' }
            @{ Names = @('--drop'); Kind = 'columns'; Words = @(); About = 'names or globs to leave out' }
            @{ Names = @('--id'); Kind = 'column'; Words = @(); About = 'column carried through to predictions; no feature' }
            @{ Names = @('--positive'); Kind = 'free'; Words = @(); About = 'the class 1 (default: the last level)' }
            @{ Names = @('--weights'); Kind = 'column'; Words = @(); About = 'weight of each row' }
            @{ Names = @('--offset'); Kind = 'column'; Words = @(); About = 'added to the linear predictor as it is' }
            @{ Names = @('--exposure'); Kind = 'column'; Words = @(); About = 'its logarithm is the offset' }
            @{ Names = @('--categorical'); Kind = 'columns'; Words = @(); About = 'number columns to treat as levels' }
            @{ Names = @('--numeric'); Kind = 'columns'; Words = @(); About = 'columns that must be numbers' }
            @{ Names = @('--dates'); Kind = 'flag'; Words = @(); About = 'year, month, weekday and hour of columns of dates' }
            @{ Names = @('--interactions'); Kind = 'free'; Words = @(); About = 'products of two columns, ''age:sex,dose:*''' }
            @{ Names = @('--coding'); Kind = 'words'; Words = @('auto', 'onehot', 'treatment'); About = 'how levels become columns' }
            @{ Names = @('--reference'); Kind = 'pair'; Words = @(); About = 'level without a column of its own' }
            @{ Names = @('--missing'); Kind = 'words'; Words = @('impute', 'drop', 'error', 'indicator'); About = 'what to do with missing cells' }
            @{ Names = @('--delimiter'); Kind = 'free'; Words = @(); About = 'character between fields, or tab, space' }
            @{ Names = @('--decimal'); Kind = 'words'; Words = @('.', ','); About = 'decimal mark of the numbers' }
            @{ Names = @('--encoding'); Kind = 'free'; Words = @(); About = 'text encoding, for example latin-1' }
            @{ Names = @('--na'); Kind = 'free'; Words = @(); About = 'cells that mean missing, for example ''?,-,NA''' }
            @{ Names = @('--no-header'); Kind = 'flag'; Words = @(); About = 'the first line is data; columns are called x1, x2 and so on' }
            @{ Names = @('--max-expanded'); Kind = 'free'; Words = @(); About = 'refuse a file that unpacks to more (default: 1G, or 200 times its size)' }
            @{ Names = @('--output', '-o'); Kind = 'file'; Words = @(); About = 'write the result here, whole or not at all' }
            @{ Names = @('--format', '-f'); Kind = 'words'; Words = @('table', 'json', 'jsonl', 'csv', 'md'); About = 'default: by the ending of --output, else table (predict: csv)' }
            @{ Names = @('--json'); Kind = 'flag'; Words = @(); About = 'the same as --format json' }
            @{ Names = @('--no-clobber'); Kind = 'flag'; Words = @(); About = 'never replace an existing file' }
            @{ Names = @('--quiet', '-q'); Kind = 'flag'; Words = @(); About = 'no notes and no progress; warnings stay' }
            @{ Names = @('--verbose', '-v'); Kind = 'flag'; Words = @(); About = 'long tables whole (a terminal shows 20 rows), and where the time went' }
            @{ Names = @('--color'); Kind = 'words'; Words = @('auto', 'always', 'never'); About = 'colour, by default on a terminal' }
            @{ Names = @('--strict'); Kind = 'flag'; Words = @(); About = 'exit with status 4 if there was a warning' }
        )
        'convert' = @(
            @{ Names = @('-h', '--help'); Kind = 'flag'; Words = @(); About = 'show the options' }
            @{ Names = @('--family'); Kind = 'words'; Words = @('auto', 'gaussian', 'binomial', 'multinomial', 'poisson', 'gamma', 'tweedie'); About = 'auto: by the file or the tool, else gaussian' }
            @{ Names = @('--l1-ratio'); Kind = 'free'; Words = @(); About = 'the mix of that tool, 0 (L2) to 1 (L1)' }
            @{ Names = @('--intercept', '--no-intercept'); Kind = 'flag'; Words = @(); About = 'whether the model has an intercept' }
            @{ Names = @('--rows'); Kind = 'free'; Words = @(); About = 'number of rows' }
            @{ Names = @('--weight-sum'); Kind = 'free'; Words = @(); About = 'sum of the weights (default: the rows)' }
            @{ Names = @('--target-sd'); Kind = 'free'; Words = @(); About = 'standard deviation of the target, divisor W' }
            @{ Names = @('--target', '-t'); Kind = 'columns'; Words = @(); About = 'what to predict, a,b for several (default: the last column)' }
            @{ Names = @('--features', '-x'); Kind = 'columns'; Words = @(); About = 'names or globs to use, a,b,x_* (default: all others)' }
            @{ Names = @('--drop'); Kind = 'columns'; Words = @(); About = 'names or globs to leave out' }
            @{ Names = @('--id'); Kind = 'column'; Words = @(); About = 'column carried through to predictions; no feature' }
            @{ Names = @('--positive'); Kind = 'free'; Words = @(); About = 'the class 1 (default: the last level)' }
            @{ Names = @('--weights'); Kind = 'column'; Words = @(); About = 'weight of each row' }
            @{ Names = @('--offset'); Kind = 'column'; Words = @(); About = 'added to the linear predictor as it is' }
            @{ Names = @('--exposure'); Kind = 'column'; Words = @(); About = 'its logarithm is the offset' }
            @{ Names = @('--categorical'); Kind = 'columns'; Words = @(); About = 'number columns to treat as levels' }
            @{ Names = @('--numeric'); Kind = 'columns'; Words = @(); About = 'columns that must be numbers' }
            @{ Names = @('--dates'); Kind = 'flag'; Words = @(); About = 'year, month, weekday and hour of columns of dates' }
            @{ Names = @('--interactions'); Kind = 'free'; Words = @(); About = 'products of two columns, ''age:sex,dose:*''' }
            @{ Names = @('--coding'); Kind = 'words'; Words = @('auto', 'onehot', 'treatment'); About = 'how levels become columns' }
            @{ Names = @('--reference'); Kind = 'pair'; Words = @(); About = 'level without a column of its own' }
            @{ Names = @('--missing'); Kind = 'words'; Words = @('impute', 'drop', 'error', 'indicator'); About = 'what to do with missing cells' }
            @{ Names = @('--delimiter'); Kind = 'free'; Words = @(); About = 'character between fields, or tab, space' }
            @{ Names = @('--decimal'); Kind = 'words'; Words = @('.', ','); About = 'decimal mark of the numbers' }
            @{ Names = @('--encoding'); Kind = 'free'; Words = @(); About = 'text encoding, for example latin-1' }
            @{ Names = @('--na'); Kind = 'free'; Words = @(); About = 'cells that mean missing, for example ''?,-,NA''' }
            @{ Names = @('--no-header'); Kind = 'flag'; Words = @(); About = 'the first line is data; columns are called x1, x2 and so on' }
            @{ Names = @('--max-expanded'); Kind = 'free'; Words = @(); About = 'refuse a file that unpacks to more (default: 1G, or 200 times its size)' }
            @{ Names = @('--output', '-o'); Kind = 'file'; Words = @(); About = 'write the result here, whole or not at all' }
            @{ Names = @('--format', '-f'); Kind = 'words'; Words = @('table', 'json', 'jsonl', 'csv', 'md'); About = 'default: by the ending of --output, else table (predict: csv)' }
            @{ Names = @('--json'); Kind = 'flag'; Words = @(); About = 'the same as --format json' }
            @{ Names = @('--no-clobber'); Kind = 'flag'; Words = @(); About = 'never replace an existing file' }
            @{ Names = @('--quiet', '-q'); Kind = 'flag'; Words = @(); About = 'no notes and no progress; warnings stay' }
            @{ Names = @('--verbose', '-v'); Kind = 'flag'; Words = @(); About = 'long tables whole (a terminal shows 20 rows), and where the time went' }
            @{ Names = @('--color'); Kind = 'words'; Words = @('auto', 'always', 'never'); About = 'colour, by default on a terminal' }
            @{ Names = @('--strict'); Kind = 'flag'; Words = @(); About = 'exit with status 4 if there was a warning' }
        )
    }

    # The text of a word without its quotes; nothing in it is evaluated.
    $plain = {
        param($element)
        if ($element -is [Management.Automation.Language.StringConstantExpressionAst]) { $element.Value }
        else { $element.Extent.Text }
    }
    # A word that PowerShell reads as this text.
    $quoted = {
        param($text)
        if ($text -cmatch '^[A-Za-z0-9_.][A-Za-z0-9_./-]*$') { return $text }
        $inner = [Management.Automation.Language.CodeGeneration]::EscapeSingleQuotedStringContent($text)
        "'$inner'"
    }
    $result = {
        param($text, $shown, $type, $about)
        [System.Management.Automation.CompletionResult]::new($text, $shown, $type, $about)
    }

    $typed = $wordToComplete.TrimStart("'", '"')
    $elements = $commandAst.CommandElements | Select-Object -Skip 1
    $elements = @($elements | Where-Object { $_.Extent.EndOffset -lt $cursorPosition })
    $line = @($elements | ForEach-Object { & $plain $_ })
    if ($line.Count -eq 0) {
        $commands.GetEnumerator() | Where-Object { $_.Key.StartsWith($typed, [StringComparison]::Ordinal) } |
            ForEach-Object { & $result $_.Key $_.Key 'ParameterValue' $_.Value }
        return
    }
    $known = $options[$line[0]]
    if ($null -eq $known) { return }
    $last = $line[-1]
    $option = $known | Where-Object { $_.Kind -ne 'flag' -and $_.Names -ccontains $last }
    $option = $option | Select-Object -First 1
    if ($null -ne $option -and $line.Count -gt 1) {
        if ($option.Kind -eq 'words') {
            $option.Words | Where-Object { $_.StartsWith($typed, [StringComparison]::Ordinal) } |
                ForEach-Object { & $result $_ $_ 'ParameterValue' $_ }
        } elseif (@('column', 'columns', 'pair', 'pairs') -contains $option.Kind) {
            $flags = @('--line')
            $before = ''
            $ending = ''
            if (@('columns', 'pairs') -contains $option.Kind) {
                $flags += '--list'
                if ($typed -match '^.*[^\\],') { $before = $Matches[0] }
            }
            if (@('pair', 'pairs') -contains $option.Kind) { $ending = '=' }
            $rest = $typed.Substring($before.Length)
            & l2cli __columns $flags $line 2>$null |
                Where-Object { $_.StartsWith($rest, [StringComparison]::Ordinal) } |
                ForEach-Object { & $result (& $quoted ($before + $_ + $ending)) $_ 'ParameterValue' $_ }
        }
        return
    }
    if ($typed.StartsWith('-')) {
        $known | ForEach-Object {
            $about = $_.About
            $_.Names | Where-Object { $_.StartsWith($typed, [StringComparison]::Ordinal) } |
                ForEach-Object { & $result $_ $_ 'ParameterName' $about }
        }
    }
}
