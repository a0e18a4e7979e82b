function __specc_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l found (_SPECC_COMPLETE=fish $words[1] $words[2..] 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end

complete --command specc --no-files --arguments '(__specc_complete)'
