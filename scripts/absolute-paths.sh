# Sourced, with the caller's arguments: a path behind --advisories or --results is the caller's, though the run is not made there.
# What --results names and is not there is no path: the id of a run, or `latest`.
before=
count=$#
while [ "$count" -gt 0 ]; do
    word=$1
    shift
    count=$((count - 1))
    case $before,$word in
        --advisories,/* | --advisories,http://* | --advisories,https://* | --results,/*) ;;
        --advisories,*) word=$PWD/$word ;;
        --results,*) [ ! -e "$word" ] || word=$PWD/$word ;;
        *,--advisories=/* | *,--advisories=http://* | *,--advisories=https://* | *,--results=/*) ;;
        *,--advisories=*) word=${word%%=*}=$PWD/${word#*=} ;;
        *,--results=*) [ ! -e "${word#*=}" ] || word=${word%%=*}=$PWD/${word#*=} ;;
    esac
    before=$word
    set -- "$@" "$word"
done
