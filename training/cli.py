"""The command line of training: `python -m training --help`.

Each command is a function of training.commands.COMMANDS. Its parameters are its arguments:
keyword-only ones become options, a boolean a switch (`--no-…` where it is true by default), a
sequence takes several values. Help texts come from the docstrings.
"""

import argparse
import inspect
import re
import sys
from collections.abc import Callable, Sequence
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from crnn.errors import CrnnError
from training.commands import COMMANDS, shared_options, train
from training.data.collection import DataError
from training.distributed import OtherProcessFailed, ProcessGroup
from training.engine.recipes import RECIPES

_FORMER_NAMES = {"class-profiles": "portraits", "ood": "doubt", "lab-training": "live"}
_HELP = {
    "recipe": "default: the task's",
    "seeds": "for runs, and for P's splits",
    "width": "narrow: for a CPU",
    "out": "folder that is written to",
    "results": "folder of measured results",
    "checkpoints": "folder of the bundled checkpoints",
    "checkpoint": "a bundled name, a folder, or user/repo",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; a user error is one sentence on stderr and status 1."""
    options = vars(_parser().parse_args(arguments))
    command, group = options.pop("command"), ProcessGroup.current()
    try:
        group.join()
        group.run_on_all(lambda: _check_processes(command, group))
        if "experiment" in inspect.signature(command).parameters:
            shared = inspect.signature(shared_options).parameters
            options["experiment"] = shared_options(**{name: options.pop(name) for name in shared})
        command(**options)
    except OtherProcessFailed:
        return 1
    except (CrnnError, DataError, ValueError, OSError) as error:
        print(f"python -m training: {error}", file=sys.stderr)
        return 1
    return 0


def _check_processes(command: Callable[..., None], group: ProcessGroup) -> None:
    if group.world > 1 and command is not train:
        raise ValueError(
            f"only `train` runs in several processes, and torchrun started {group.world}; run this "
            "command without it"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training",
        description="Train the networks and measure them.",
        epilog="On several GPUs or hosts: torchrun --nproc_per_node=N -m training train …",
    )
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        about = str(inspect.getdoc(command)).splitlines()[0]
        aliases = [_FORMER_NAMES[name]] if name in _FORMER_NAMES else []
        sub = subparsers.add_parser(name, aliases=aliases, help=about, description=about)
        sub.set_defaults(command=command)
        for parameter in inspect.signature(command).parameters.values():
            if parameter.name == "experiment":
                _add_arguments(sub, shared_options)
        _add_arguments(sub, command)
    return parser


def _add_arguments(parser: argparse.ArgumentParser, command: Callable[..., Any]) -> None:
    """An argument for each parameter; its help is the parameter's entry in the docstring."""
    entries = re.findall(r"^    (\w+): (.+(?:\n        .+)*)", str(inspect.getdoc(command)), re.M)
    texts = _HELP | {name: " ".join(text.split()) for name, text in entries}
    for name, parameter in inspect.signature(command).parameters.items():
        if name != "experiment":
            settings = _argument(parameter) | {"help": texts.get(name)}
            if parameter.kind is not parameter.KEYWORD_ONLY:
                parser.add_argument(name, **settings)
                continue
            option = name.rstrip("_").replace("_", "-")
            if "type" in settings and "choices" not in settings:
                settings["metavar"] = option.upper()
            option = f"--no-{option}" if parameter.default is True else f"--{option}"
            required = parameter.default is parameter.empty
            parser.add_argument(option, dest=name, required=required, **settings)


def _argument(parameter: inspect.Parameter) -> dict[str, Any]:
    """argparse's settings for a parameter's annotation and default."""
    kind, settings = parameter.annotation, dict[str, Any]()
    if kind is bool:
        return {"action": "store_false" if parameter.default else "store_true"}
    if get_origin(kind) in (UnionType, Union):  # X | None
        kind = get_args(kind)[0]
    if get_origin(kind) is Sequence:
        (kind,), settings["nargs"] = get_args(kind), "+"
    if get_origin(kind) is Literal:
        kind, settings["choices"] = str, get_args(kind)
    if parameter.name == "recipe":
        settings["choices"] = sorted(RECIPES)
    if parameter.default == ():  # may be given several times
        settings |= {"action": "extend", "default": []}
    elif parameter.default is not parameter.empty:
        settings["default"] = parameter.default
    return settings | {"type": kind}
