# bash completion for l2cli; made by: python -m l2cli.cli.completion completions
# Use it with: source completions/l2cli.bash

# Sets REPLY to the text of $1 without its backslashes. $2: what a backslash may quote (empty: everything).
_l2cli_plain() {
    local rest=$1 special=$2 char
    REPLY=
    while [[ -n $rest ]]; do
        char=${rest:0:1} rest=${rest:1}
        if [[ $char == \\ && -n $rest && ( -z $special || $special == *"${rest:0:1}"* ) ]]; then
            char=${rest:0:1} rest=${rest:1}
        fi
        REPLY+=$char
    done
}

# Sets REPLY to $1 quoted so that the shell reads it as that text. $2: the quote open on the line, if any.
_l2cli_quoted() {
    local rest=$1 char apostrophe="'\\''"
    case $2 in
        "'") REPLY=${rest//\'/$apostrophe} ;;
        '"')
            REPLY=
            while [[ -n $rest ]]; do
                char=${rest:0:1} rest=${rest:1}
                case $char in
                    [\"\$\`\\]) REPLY+=\\$char ;;
                    *) REPLY+=$char ;;
                esac
            done
            ;;
        *) printf -v REPLY %q "$rest" ;;
    esac
    # Readline closes the quote, but not behind text that ends in that character.
    [[ -n $2 && $REPLY == *"$2" ]] && REPLY+=$2
    return 0
}

# Offers the column names of the DATA file on the line. $1: column, columns, pair or pairs.
_l2cli_columns() {
    local name plain ending= list= quote= typed=$value before= comma='^(.*[^\],)(.*)$'
    local -a asked=("${line[@]}")
    asked[at]=
    case $1 in columns | pairs) list=--list ;; esac
    case $1 in pair | pairs) ending== ;; esac
    case $typed in
        \'* | \"*) quote=${typed:0:1} typed=${typed:1} ;;
    esac
    if [[ -n $list && $typed =~ $comma ]]; then
        before=${BASH_REMATCH[1]} typed=${BASH_REMATCH[2]}
    fi
    plain=$typed
    case $quote in
        '') _l2cli_plain "$typed" '' && plain=$REPLY ;;
        '"') _l2cli_plain "$typed" '$`"\' && plain=$REPLY ;;
    esac
    while IFS= read -r name; do
        [[ ${name:0:${#plain}} == "$plain" ]] || continue
        [[ $quote == '"' && $name == *!* ]] && continue # no escape stops history there
        _l2cli_quoted "$name" "$quote"
        _l2cli_add "$before$REPLY$ending"
    done < <(command l2cli __columns --line --quoted ${list:+"$list"} "${asked[@]}" 2>/dev/null)
    [[ -n $ending ]] && compopt -o nospace 2>/dev/null
}

# Adds one candidate for the value, less what bash leaves standing on the line (it parts words at = and :).
_l2cli_add() {
    local candidate=$prefix$1
    if [[ $value != [\'\"]* && -n $kept ]]; then
        [[ ${candidate:0:${#kept}} == "$kept" ]] || return 0
        candidate=${candidate:${#kept}}
    elif [[ $value == [\'\"]* ]]; then
        candidate=$1
    fi
    COMPREPLY+=("$candidate")
}

# Offers those of the words given that begin with the value.
_l2cli_words() {
    local word
    for word in "$@"; do
        [[ ${word:0:${#value}} == "$value" ]] && _l2cli_add "$word"
    done
}

_l2cli_files() {
    local file typed=$value
    case $typed in
        \'* | \"*) typed=${typed:1} ;;
        *) _l2cli_plain "$typed" '' && typed=$REPLY ;;
    esac
    compopt -o filenames 2>/dev/null
    while IFS= read -r file; do
        _l2cli_add "$file"
    done < <(compgen -f -- "$typed")
}

# Offers values for the option $1; fails if it takes none.
_l2cli_value() {
    case $1 in
        --target | -t | --features | -x | --drop | --categorical | --numeric) _l2cli_columns columns ;;
        --id | --weights | --offset | --exposure | --fold-column | --group-column | --time-column) _l2cli_columns column ;;
        --positive | --interactions | --delimiter | --encoding | --na | --max-expanded | --relax-gamma | --tol | --tweedie-power | --l1-ratio | --lambdas | --bounds | --groups | --group-lambda | --folds | -k | --repeats | --gap | --seed | --jobs | -j | --models | --draws | --interval | --threshold | --rows | --weight-sum | --target-sd) : ;;
        --coding) _l2cli_words auto onehot treatment ;;
        --reference) _l2cli_columns pair ;;
        --missing) _l2cli_words impute drop error indicator ;;
        --decimal) _l2cli_words . , ;;
        --lambda) _l2cli_words auto ;;
        --family) _l2cli_words auto gaussian binomial multinomial poisson gamma tweedie ;;
        --lambda-scale) _l2cli_words sum mean ;;
        --penalty-factor) _l2cli_columns pairs ;;
        --group-penalty) _l2cli_words lasso banded ;;
        --select) _l2cli_words auto loo cv gcv evidence holdout ;;
        --holdout | --save | --output | -o) _l2cli_files ;;
        --unseen) _l2cli_words error baseline missing ;;
        --rule) _l2cli_words min 1se ;;
        --metric) _l2cli_words deviance mse rmse mae r2 accuracy error auc log_loss brier f1 ;;
        --inference) _l2cli_words shrunken debiased bootstrap ;;
        --format | -f) _l2cli_words table json jsonl csv md ;;
        --color) _l2cli_words auto always never ;;
        *) return 1 ;;
    esac
    return 0
}

_l2cli() {
    local i word glued= n=0 at=0 command value prefix= kept part
    local -a line=()
    COMPREPLY=()
    # Bash parts words at = and : too; put them together again.
    for ((i = 1; i < ${#COMP_WORDS[@]}; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $n -gt 0 && -n $word && ( -n $glued || $word != *[!=:]* ) ]]; then
            line[n - 1]+=$word
        else
            line[n]=$word n=$((n + 1))
        fi
        glued=
        [[ -n $word && $word != *[!=:]* ]] && glued=1
        ((i == COMP_CWORD)) && at=$((n - 1))
    done
    command=${line[0]} value=${line[at]}
    part=${COMP_WORDS[COMP_CWORD]}
    [[ $part != *[!=:]* ]] && part=
    kept=${value:0:$((${#value} - ${#part}))}
    if ((at == 0)); then
        _l2cli_words fit cv path compare explain tradeoff predict evaluate inspect convert --help --version
        return
    fi
    word=${line[at - 1]}
    [[ $word == -[!-]?* ]] && word=-${word:$((${#word} - 1))}
    _l2cli_value "$word" && return
    if [[ $value == --*=* ]]; then
        prefix=${value%%=*}= value=${value#*=}
        _l2cli_value "${prefix%=}"
        return
    fi
    if [[ $value == -* && $value != - ]]; then
        case $command in
            fit) _l2cli_words -h --help --target -t --features -x --drop --id --positive --weights --offset --exposure --categorical --numeric --dates --interactions --coding --reference --missing --delimiter --decimal --encoding --na --no-header --max-expanded --lambda --relax-gamma --tol --family --tweedie-power --l1-ratio --lambdas --lambda-scale --penalty-factor --bounds --groups --group-penalty --group-lambda --standardize --no-standardize --intercept --no-intercept --select --holdout --unseen --rule --folds -k --repeats --fold-column --group-column --time-column --gap --metric --seed --jobs -j --inference --save --no-progress --output -o --format -f --json --no-clobber --quiet -q --verbose -v --color --strict ;;
            cv) _l2cli_words -h --help --target -t --features -x --drop --id --positive --weights --offset --exposure --categorical --numeric --dates --interactions --coding --reference --missing --delimiter --decimal --encoding --na --no-header --max-expanded --relax-gamma --tol --family --tweedie-power --l1-ratio --lambdas --lambda-scale --penalty-factor --bounds --groups --group-penalty --group-lambda --standardize --no-standardize --intercept --no-intercept --nested --rule --folds -k --repeats --fold-column --group-column --time-column --gap --metric --seed --jobs -j --save --no-progress --output -o --format -f --json --no-clobber --quiet -q --verbose -v --color --strict ;;
            path) _l2cli_words -h --help --target -t --features -x --drop --id --positive --weights --offset --exposure --categorical --numeric --dates --interactions --coding --reference --missing --delimiter --decimal --encoding --na --no-header --max-expanded --relax-gamma --tol --family --tweedie-power --l1-ratio --lambdas --lambda-scale --penalty-factor --bounds --groups --group-penalty --group-lambda --standardize --no-standardize --intercept --no-intercept --output -o --format -f --json --no-clobber --quiet -q --verbose -v --color --strict ;;
            compare) _l2cli_words -h --help --models --target -t --features -x --drop --id --positive --weights --offset --exposure --categorical --numeric --dates --interactions --coding --reference --missing --delimiter --decimal --encoding --na --no-header --max-expanded --family --tweedie-power --l1-ratio --lambdas --lambda-scale --penalty-factor --bounds --groups --group-penalty --group-lambda --standardize --no-standardize --intercept --no-intercept --folds -k --repeats --fold-column --group-column --time-column --gap --metric --seed --jobs -j --no-progress --output -o --format -f --json --no-clobber --quiet -q --verbose -v --color --strict ;;
            explain) _l2cli_words -h --help --target -t --features -x --drop --id --positive --weights --offset --exposure --categorical --numeric --dates --interactions --coding --reference --missing --delimiter --decimal --encoding --na --no-header --max-expanded --lambda --relax-gamma --tol --family --tweedie-power --l1-ratio --lambdas --lambda-scale --penalty-factor --bounds --groups --group-penalty --group-lambda --standardize --no-standardize --intercept --no-intercept --select --holdout --unseen --rule --folds -k --repeats --fold-column --group-column --time-column --gap --metric --seed --jobs -j --inference --save --no-progress --output -o --format -f --json --no-clobber --quiet -q --verbose -v --color --strict ;;
            tradeoff) _l2cli_words -h --help --simulate --draws --target -t --features -x --drop --id --positive --weights --offset --exposure --categorical --numeric --dates --interactions --coding --reference --missing --delimiter --decimal --encoding --na --no-header --max-expanded --family --tweedie-power --l1-ratio --lambdas --lambda-scale --penalty-factor --bounds --groups --group-penalty --group-lambda --standardize --no-standardize --intercept --no-intercept --folds -k --repeats --fold-column --group-column --time-column --gap --metric --seed --jobs -j --no-progress --output -o --format -f --json --no-clobber --quiet -q --verbose -v --color --strict ;;
            predict) _l2cli_words -h --help --id --interval --unseen --threshold --delimiter --decimal --encoding --na --no-header --max-expanded --output -o --format -f --json --no-clobber --quiet -q --verbose -v --color --strict ;;
            evaluate) _l2cli_words -h --help --unseen --threshold --delimiter --decimal --encoding --na --no-header --max-expanded --output -o --format -f --json --no-clobber --quiet -q --verbose -v --color --strict ;;
            inspect) _l2cli_words -h --help --target -t --features -x --drop --id --positive --weights --offset --exposure --categorical --numeric --dates --interactions --coding --reference --missing --delimiter --decimal --encoding --na --no-header --max-expanded --output -o --format -f --json --no-clobber --quiet -q --verbose -v --color --strict ;;
            convert) _l2cli_words -h --help --family --l1-ratio --intercept --no-intercept --rows --weight-sum --target-sd --target -t --features -x --drop --id --positive --weights --offset --exposure --categorical --numeric --dates --interactions --coding --reference --missing --delimiter --decimal --encoding --na --no-header --max-expanded --output -o --format -f --json --no-clobber --quiet -q --verbose -v --color --strict ;;
        esac
        return
    fi
    _l2cli_files
}

complete -F _l2cli l2cli
