"""Command-line forms of command classes: arguments, options and help come from the class alone.

A field `retain_private_vip` is the option `--retain-private-vip`. Lists are given by repeating the
option, maps as NAME=VALUE, and what is deeper as JSON or as @FILE with JSON in it.
"""

import inspect
import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from services.cli_asking import Asking, asked, option
from services.cli_client import give_up
from services.command.domain.decider import Command
from services.command.routes import CommandRoute, route_of

Shape = Literal["text", "whole", "number", "switch", "texts", "wholes", "map", "json"]
_SCALARS: Mapping[str, Shape] = {
    "string": "text",
    "integer": "whole",
    "number": "number",
    "boolean": "switch",
}
_TYPES: Mapping[Shape, Any] = {
    "text": str | None,
    "whole": int | None,
    "number": float | None,
    "switch": bool | None,
    "texts": list[str] | None,
    "wholes": list[int] | None,
    "map": list[str] | None,
    "json": str | None,
}
_HINTS: Mapping[Shape, str] = {
    "texts": "repeatable",
    "wholes": "repeatable",
    "map": "NAME=VALUE, repeatable",
    "json": "JSON or @FILE",
}
_MANY: Mapping[str, Shape] = {"string": "texts", "integer": "wholes"}
_TAKEN = frozenset({"--address", "--key-file", "--as", "--json", "--help"})
_WORDS = re.compile(r"[A-Z][a-z0-9]*")


class Form:
    """One command class as a form of the shell."""

    def __init__(self, command: type[Command]) -> None:
        """Derive the form of `command`."""
        self.command = command
        self.route: CommandRoute = route_of(command)
        schema = command.model_json_schema()
        properties = schema.get("properties", {})
        self.required = tuple(schema.get("required", ()))
        self.shapes = {name: _shape(one) for name, one in properties.items()}
        self.nullable = {
            name for name in self.required if _parts(properties[name]) != [properties[name]]
        }
        self.helps = {name: self._help(name, one) for name, one in properties.items()}

    @property
    def text(self) -> str:
        """The command's documentation, a paragraph a line."""
        paragraphs = (inspect.getdoc(self.command) or "").split("\n\n")
        return "\n\n".join(" ".join(one.split()) for one in paragraphs)

    @property
    def summary(self) -> str:
        """What the command does, in a sentence or two."""
        return self.text.partition("\n\n")[0]

    @property
    def names_stream(self) -> bool:
        """Whether the form begins with the id of what the command is about."""
        return self.route.has_id

    def option(self, field: str) -> str:
        """Return the option of a field; one that every form has already gets `field-` before it."""
        option = "--" + field.replace("_", "-")
        return f"--field-{option[2:]}" if option in _TAKEN else option

    def parameters(self) -> list[inspect.Parameter]:
        """Return the form's own parameters: an option for each field."""
        found = []
        for field, shape in self.shapes.items():
            long = self.option(field)
            names = (f"{long}/--no-{long[2:]}",) if shape == "switch" else (long,)
            given = typer.Option(*names, help=self.helps[field], show_default=False)
            found.append(option(f"field_{field}", _annotated(_TYPES[shape], given), None))
        return found

    def body(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the command's body; faults end the command, all named."""
        named = {name: given.get(f"field_{name}") for name in self.shapes}
        body: dict[str, Any] = {}
        faults = [
            f"{self.option(name)} is required"
            for name in self.required
            if named[name] is None or named[name] == []
        ]
        for name, value in named.items():
            if value is None or value == []:
                continue
            if value == "" and name in self.nullable:
                body[name] = None
                continue
            try:
                body[name] = _READ[self.shapes[name]](value)
            except (OSError, ValueError) as error:
                faults.append(f"{self.option(name)}: {error}")
        if faults:
            give_up("; ".join(faults))
        return body

    def _help(self, name: str, schema: Mapping[str, Any]) -> str:
        shape = self.shapes[name]
        words = [_HINTS[shape]] if shape in _HINTS else []
        choices = [str(one) for part in _parts(schema) for one in part.get("enum", ())]
        if choices:
            words.append(" | ".join(choices))
        default = schema.get("default")
        if name in self.required:
            words.append('required, "" for none' if name in self.nullable else "required")
        elif default not in (None, "", [], {}):
            words.append(f"default: {_plain(default)}")
        return "; ".join(words)


def kebab(name: str) -> str:
    """Return `ChangeOwner` as `change-owner`."""
    return "-".join(word.lower() for word in _WORDS.findall(name))


def add(
    app: typer.Typer,
    form: Form,
    name: str,
    more: Iterable[inspect.Parameter],
    run: Callable[[Asking, Form, Mapping[str, Any]], None],
) -> None:
    """Add a form to `app`. `run` gets whom to ask, the form, and what was given by name."""

    def given_form(asking: Asking, **given: Any) -> None:
        run(asking, form, given)

    command = asked(given_form, [*more, *form.parameters()])
    app.command(name, help=form.text, short_help=form.summary)(command)


def positional(name: str, shown: str, help_text: str) -> inspect.Parameter:
    """Return an argument that must be given; `shown` is its name in the help."""
    kind = Annotated[str, typer.Argument(metavar=shown, help=help_text, show_default=False)]
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=kind)


def _annotated(kind: Any, given: Any) -> Any:
    return Annotated[kind, given]


def _parts(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what a value may be, without null."""
    return [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]


def _shape(schema: Mapping[str, Any]) -> Shape:
    parts = _parts(schema)
    if len(parts) != 1:
        return "json"
    (part,) = parts
    kind = str(part.get("type"))
    if kind in _SCALARS:
        return _SCALARS[kind]
    if kind == "array" and part.get("items", {}).get("type") in _MANY:
        return _MANY[part["items"]["type"]]
    return "map" if kind == "object" and "additionalProperties" in part else "json"


def _plain(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool | dict | list) else str(value)


def _loaded(text: str) -> Any:
    if text.startswith("@"):
        text = Path(text[1:]).read_text()
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"is not JSON: {error}") from None


def _scalar(text: str) -> Any:
    """Read a value as JSON where it is a number, true, false, null or quoted; else it is text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(value, dict | list) else value


def _mapped(pairs: Iterable[str]) -> dict[str, Any]:
    found = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign:
            raise ValueError(f"write {pair} as NAME=VALUE")
        found[name] = _scalar(value)
    return found


def _itself(value: Any) -> Any:
    return value


_READ: Mapping[Shape, Callable[[Any], Any]] = {
    "text": _itself,
    "whole": _itself,
    "number": _itself,
    "switch": _itself,
    "texts": _itself,
    "wholes": _itself,
    "map": _mapped,
    "json": _loaded,
}
