# fish completion of braillectl, braille-dataset and braille-eval: the programs say themselves what fits
# SPDX-License-Identifier: Apache-2.0

function __brailled_complete
    set -l words (commandline -opc)
    set -l program $words[1]
    $program __complete $words[2..-1] (commandline -ct) 2>/dev/null | while read -l line
        if test "$line" = :files
            __fish_complete_path (commandline -ct)
        else
            echo $line
        end
    end
end
for program in braillectl braille-dataset braille-eval
    complete -c $program -f -a '(__brailled_complete)'
end
