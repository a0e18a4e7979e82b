#compdef specc

_specc() {
    local line name
    local -a plain described open
    while IFS= read -r line; do
        name=${line%%$'\t'*}
        case $name in
            */|*=) open+=("$name") ;;
            *) plain+=("$name"); described+=("${line/$'\t'/  -- }") ;;
        esac
    done < <(_SPECC_COMPLETE=zsh "${words[1]}" "${(@Q)words[2,CURRENT]}" 2>/dev/null)
    (( $#plain + $#open )) || { _files; return }
    compadd -l -d described -- "${(@)plain}"
    compadd -S '' -- "${(@)open}"
}

if [[ $funcstack[1] == _specc ]]; then
    _specc "$@"
else
    compdef _specc specc
fi
