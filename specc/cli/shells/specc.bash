_specc() {
    local line
    local -a words=()
    COMPREPLY=()
    # Words as they stand, from the line up to the cursor: COMP_WORDS is cut at `=` and `:`.
    read -r -a words <<<"${COMP_LINE:0:COMP_POINT}"
    [[ ${COMP_LINE:0:COMP_POINT} == *[[:space:]] ]] && words+=("")
    while IFS= read -r line; do
        COMPREPLY+=("$line")
    done < <(_SPECC_COMPLETE=bash "$1" "${words[@]:1}" 2>/dev/null)
    # A folder and `key=` go on behind them.
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[/=] ]] && compopt -o nospace
    return 0
}

complete -o default -F _specc specc
