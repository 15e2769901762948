# bash completion of braillectl, braille-dataset and braille-eval: the programs say themselves what fits
# SPDX-License-Identifier: Apache-2.0

_braillectl() {
    local word=$2 lines line files=
    # without the words behind the cursor; a value of --option=value is not split off
    mapfile -t lines < <("$1" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    COMPREPLY=()
    for line in "${lines[@]}"; do
        if [ "$line" = :files ]; then
            files=1
        elif [[ "${line%%$'\t'*}" = "$word"* ]]; then
            COMPREPLY+=("$(printf %q "${line%%$'\t'*}")")
        fi
    done
    if [ -n "$files" ]; then
        compopt -o filenames 2>/dev/null
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word")
    fi
}
complete -F _braillectl braillectl braille-dataset braille-eval
