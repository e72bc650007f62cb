"""Completion for bash, made from the command line's own parser and the catalogue, so that neither can be forgotten."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator, Mapping, Sequence

from gate import catalogue
from gate.areas import AREAS


def bash(parser: argparse.ArgumentParser) -> str:
    """The text that `eval` in ~/.bashrc makes completion of."""
    commands = _commands(parser)
    cases = "\n".join(line for name, command in commands.items() for line in _cases(name, command))
    options = "\n".join(
        f"        {name}) words={_quoted([o for action in command._actions for o in action.option_strings])} ;;"
        for name, command in commands.items()
    )
    return _SCRIPT.format(commands=_quoted(list(commands)), cases=cases, options=options)


def _commands(parser: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    found = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    choices: Mapping[str, argparse.ArgumentParser] = found.choices
    return choices


def _cases(name: str, command: argparse.ArgumentParser) -> Iterator[str]:
    """What may stand behind each option of a command, and where an argument without an option goes."""
    for action in command._actions:
        if action.nargs == 0:
            continue
        words = _words(action)
        for option in action.option_strings or ("",):
            yield f"        {shlex.quote(f'{name} {option}')}) {'files=1' if words is None else f'words={_quoted(words)}'} ;;"


def _words(action: argparse.Action) -> Sequence[str] | None:
    """The words an argument is one of; None for the name of a file."""
    if action.choices is not None:
        return [str(choice) for choice in action.choices]
    if action.dest == "check":
        return [check.id for check in catalogue.checks()]
    if action.dest == "only":
        return AREAS
    if action.dest == "format":
        return str(action.default).split(",")
    if action.dest == "defect":
        return sorted({sabotage.id for check in catalogue.checks() for sabotage in check.broken_by})
    return None


def _quoted(words: Sequence[str]) -> str:
    return shlex.quote(" ".join(words))


_SCRIPT = """\
# Put into ~/.bashrc: eval "$(readygate completion bash)"
_readygate() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} command=${{COMP_WORDS[1]}} words= files=
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W {commands} -- "$word")
        return
    fi
    [[ $before == -* ]] || before=
    case "$command $before" in
{cases}
    esac
    if [[ -z $words$files || $word == -* ]]; then
        files=
        case $command in
{options}
        esac
    fi
    if [[ $files ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    else
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
    fi
}}
complete -F _readygate readygate
"""
