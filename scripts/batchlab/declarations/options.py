"""Options: a name, what it means, which values it takes, and its default."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

# Options without a default must be given; an optional one without a value is absent.
REQUIRED: Any = object()
OPTIONAL: Any = object()

Schema = dict[str, Any]

_LARGEST_COUNT = 10**9


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
        name: Key in the campaign.
        meaning: A phrase for the manual.
        default: Value without the key; `REQUIRED`, or `OPTIONAL` for none.
        column: Column of the tables whose values the option lists, or bounds by its own; None if there is none.
    """

    name: str
    meaning: str
    default: Any = REQUIRED
    column: str | None = None

    # Order of a list's items that means nothing, so that two orders are one setting.
    unordered: ClassVar[bool] = False

    def schema(self) -> Schema:
        """Return the JSON schema of the option's values."""
        raise NotImplementedError

    def complete_schema(self) -> Schema:
        """Return the schema with default and description."""
        known = {} if self.default in (REQUIRED, OPTIONAL) else {"default": _plain(self.default)}
        return {**self.schema(), **known, "description": self.meaning}


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value


@dataclass(frozen=True)
class Count(Option):
    """A whole number between `least` and `most`."""

    least: int = 1
    most: int = _LARGEST_COUNT

    def schema(self) -> Schema:
        """Return the JSON schema of the option's values."""
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True)
class Number(Option):
    """A number: more than `above`, or at least `least`, and at most `most`, where they are given."""

    above: float | None = None
    least: float | None = None
    most: float | None = None

    def schema(self) -> Schema:
        """Return the JSON schema of the option's values."""
        limits = {"exclusiveMinimum": self.above, "minimum": self.least, "maximum": self.most}
        return {"type": "number", **{key: value for key, value in limits.items() if value is not None}}


@dataclass(frozen=True)
class Flag(Option):
    """True or false."""

    def schema(self) -> Schema:
        """Return the JSON schema of the option's values."""
        return {"type": "boolean"}


@dataclass(frozen=True)
class Text(Option):
    """Any text of at least one character."""

    def schema(self) -> Schema:
        """Return the JSON schema of the option's values."""
        return {"type": "string", "minLength": 1}


@dataclass(frozen=True)
class Choice(Option):
    """One of `words`; true and false are allowed among them."""

    words: tuple[Any, ...] = ()

    def schema(self) -> Schema:
        """Return the JSON schema of the option's values."""
        return {"enum": list(self.words)}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items, "minItems": 1, "uniqueItems": True}


@dataclass(frozen=True)
class Choices(Choice):
    """A list of some of `words`, in any order."""

    unordered: ClassVar[bool] = True

    def schema(self) -> Schema:
        """Return the JSON schema of the option's values."""
        return _list(super().schema())


@dataclass(frozen=True)
class Counts(Count):
    """A list of whole numbers, in any order."""

    unordered: ClassVar[bool] = True

    def schema(self) -> Schema:
        """Return the JSON schema of the option's values."""
        return _list(super().schema())


@dataclass(frozen=True)
class Numbers(Number):
    """A list of numbers, in any order."""

    unordered: ClassVar[bool] = True

    def schema(self) -> Schema:
        """Return the JSON schema of the option's values."""
        return _list(super().schema())


@dataclass(frozen=True)
class Sequence(Number):
    """A list of numbers whose order counts; they may be asked to rise."""

    rising: bool = False

    def schema(self) -> Schema:
        """Return the JSON schema of the option's values."""
        return {"type": "array", "items": super().schema(), "minItems": 1}


@dataclass(frozen=True)
class BatchSize(Option):
    """A batch size: a number, or a name of the campaign's `batch_sizes`."""

    def schema(self) -> Schema:
        """Return the JSON schema of the option's values."""
        return {"$ref": "#/$defs/size"}


@dataclass(frozen=True)
class BatchSizes(Option):
    """A list of batch sizes, in any order: numbers, or names of the campaign's `batch_sizes`."""

    unordered: ClassVar[bool] = True

    def schema(self) -> Schema:
        """Return the JSON schema of the option's values."""
        return _list({"$ref": "#/$defs/size"})


@dataclass(frozen=True)
class ColumnName(Option):
    """The name of a column of the figure's or derivation's table."""

    def schema(self) -> Schema:
        """Return the JSON schema of the option's values."""
        return {"type": "string"}


@dataclass(frozen=True)
class ColumnNames(ColumnName):
    """One name of a column, or a list of them in an order that means something."""

    def schema(self) -> Schema:
        """Return the JSON schema of the option's values."""
        return {"$ref": "#/$defs/names"}


@dataclass(frozen=True)
class Headline(ColumnName):
    """The name of a column; by default that of the headline metric of the task on a split.

    Attributes:
        split: The split.
    """

    split: str = "test"


@dataclass(frozen=True)
class ColumnField(Choice):
    """A choice that by default is the field of that name of the column that another option names.

    Attributes:
        of: Name of the option that names the column.
    """

    of: str = ""


@dataclass(frozen=True)
class Names(Option):
    """A list of names, in an order that means something."""

    def schema(self) -> Schema:
        """Return the JSON schema of the option's values."""
        return _list({"type": "string"})


@dataclass(frozen=True)
class Recipes(Names):
    """Names of recipes of the study, in any order."""

    unordered: ClassVar[bool] = True


@dataclass(frozen=True)
class Renamed(Option):
    """Words for values: a mapping from a value to what figures write."""

    def schema(self) -> Schema:
        """Return the JSON schema of the option's values."""
        return {"type": "object", "minProperties": 1, "additionalProperties": {"type": "string", "minLength": 1}}


@dataclass(frozen=True)
class ClassWeights(Option):
    """`balanced`, or weights by the names of classes."""

    def schema(self) -> Schema:
        """Return the JSON schema of the option's values."""
        weights = {"type": "object", "minProperties": 1, "additionalProperties": {"type": "number", "minimum": 0}}
        return {"anyOf": [{"const": "balanced"}, weights]}


@dataclass(frozen=True)
class RowFilter(Option):
    """Rows of the figure's table, as `where` names them."""

    def schema(self) -> Schema:
        """Return the JSON schema of the option's values."""
        return {"$ref": "#/$defs/filter"}


@dataclass(frozen=True)
class Limits(Option):
    """Two numbers: lower and upper end."""

    def schema(self) -> Schema:
        """Return the JSON schema of the option's values."""
        return {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}


def with_defaults(options: Iterable[Option], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return `given` with the defaults of the options that it does not name; lists without an order are sorted.

    Args:
        options: All options.
        given: Option → value, checked against the schema before; other keys are kept.
    """
    options = tuple(options)
    values = {
        option.name: _plain(option.default)
        for option in options
        if option.name not in given and option.default not in (REQUIRED, OPTIONAL)
    }
    values |= given
    free = {option.name for option in options if option.unordered}
    return {key: in_order(value) if key in free else value for key, value in values.items()}


def in_order(value: Any) -> Any:
    """Return a list whose order means nothing in one order: numbers, names, null; other values as they are."""

    def place(item: Any) -> tuple[bool, bool, Any]:
        return item is None, isinstance(item, str), 0 if item is None else item

    return sorted(value, key=place) if isinstance(value, list) else value


def without_defaults(options: Iterable[Option], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that differ from their defaults, so that a new option is part of no older setting."""
    complete = with_defaults(options, {})
    absent = object()
    return {key: value for key, value in values.items() if complete.get(key, absent) != value}
