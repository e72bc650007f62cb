# Sourced, with the caller's arguments: `asked` is what the script asks of readygate, and whoever wants help is told so first.
set -f # a pattern in it is for the gate to match, not for this folder
for word in "$@"; do
    case $word in
        -h | --help)
            printf 'scripts/%s stands for: readygate %s\n\n' "${0##*/}" "$asked"
            break
            ;;
    esac
done
