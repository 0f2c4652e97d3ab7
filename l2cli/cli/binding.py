"""From a function over groups of options to a command: the only module that knows how Typer builds commands.

A command body takes its arguments and some groups (classes of ``cli/options.py``). Typer wants one flat
function with a parameter for every option; :func:`bind` makes that function, so that shared options are
written once.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar, dataclass_transform

import typer
from typer._click.core import Command, Context
from typer._click.formatting import HelpFormatter
from typer.core import TyperCommand, TyperOption

HELP_NAMES = {"help_option_names": ["-h", "--help"]}


def repeatable() -> list[str]:
    """Return the default of an option that may be given several times: nothing given."""
    return []


@dataclass_transform(kw_only_default=True, frozen_default=True, eq_default=True)
class OptionGroup:
    """Base of the groups: every annotated name is an option, its value the default.

    What a frozen dataclass would give, for a tenth of the time: each dataclass compiles its methods when it
    is defined, and fifteen of them cost more than reading a small file.
    """

    heading: ClassVar[str] = "Options"

    def __init__(self, **given: Any) -> None:
        for name in self.options():
            self.__dict__[name] = given.pop(name) if name in given else getattr(type(self), name)
        if given:
            raise TypeError(f"no option {', '.join(given)} in {type(self).__name__}")

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"options do not change: {name}")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash(type(self))

    @classmethod
    def options(cls) -> dict[str, Any]:
        """Return {name: annotation} of the options, those of the most special class first."""
        found: dict[str, Any] = {}
        for base in cls.__mro__[:-1]:
            hints = inspect.get_annotations(base, eval_str=True)
            found.update(
                {name: hint for name, hint in hints.items() if name != "heading" and name not in found}
            )
        return found


class OptionCommand(TyperCommand):
    """A command whose help shows its options under the heading of their group."""

    def collect_usage_pieces(self, ctx: Context) -> list[str]:
        """Return ``DATA [options]``: what must be there, then what may."""
        arguments = [
            str(p.metavar or p.name) for p in self.get_params(ctx) if p.param_type_name == "argument"
        ]
        return [*arguments, "[options]"]

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the arguments, then the options group by group."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                heading = getattr(param, "rich_help_panel", None) or "Help"
                name = "Arguments" if param.param_type_name == "argument" else heading
                sections.setdefault(name, []).append(record)
        for name, records in sections.items():
            with formatter.section(name):
                formatter.write_dl(records)

    def format_epilog(self, ctx: Context, formatter: HelpFormatter) -> None:  # noqa: ARG002  (given by the caller)
        """Write the examples, each on its own line (the library would rewrap them into a paragraph)."""
        if self.epilog:
            with formatter.section("Examples"):
                for line in self.epilog.splitlines():
                    formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


def bind(function: Callable[..., int], examples: str) -> Command:
    """Return the command that parses the options of ``function`` and calls it.

    Parameters
    ----------
    function : callable
        Each parameter is annotated as a Typer argument or by an :class:`OptionGroup`. Returns an exit status.
    examples : str
        Lines for the end of the help.
    """
    flat: list[inspect.Parameter] = []
    groups: dict[str, type[OptionGroup]] = {}
    headings: dict[str, str] = {}
    for key, parameter in inspect.signature(function, eval_str=True).parameters.items():
        hint = parameter.annotation
        if not (isinstance(hint, type) and issubclass(hint, OptionGroup)):
            flat.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
            continue
        groups[key] = hint
        for name, annotation in hint.options().items():
            headings[name] = hint.heading
            default = getattr(hint, name)
            flat.append(
                inspect.Parameter(
                    name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
                )
            )

    def call(**given: Any) -> int:
        filled = {
            key: group(**{name: given.pop(name) for name in group.options()}) for key, group in groups.items()
        }
        return function(**given, **filled)

    call.__signature__ = inspect.Signature(flat)  # type: ignore[attr-defined]
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    command_of = app.command(
        function.__name__,
        cls=OptionCommand,
        epilog=examples,
        help=function.__doc__,
        context_settings=HELP_NAMES,
    )
    command_of(call)
    command = typer.main.get_command(app)
    for param in command.params:
        if isinstance(param, TyperOption):
            param.rich_help_panel = headings[param.name or ""]
    return command
