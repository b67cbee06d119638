"""Formulas of derived columns: arithmetic on the columns of a table, and nothing else that Python can do."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from batchlab.errors import BatchlabError


def _quotient(numerator: Any, denominator: Any) -> Any:
    """Divide; a quotient by zero is missing."""
    return numerator / _divisor(denominator)


def _whole_quotient(numerator: Any, denominator: Any) -> Any:
    return numerator // _divisor(denominator)


def _divisor(value: Any) -> Any:
    return value.where(value != 0) if isinstance(value, pd.Series) else value or np.nan


_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: _quotient,
    ast.FloorDiv: _whole_quotient,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "ceil": np.ceil,
    "round": lambda values: np.round(values),
    # Of a number that has none, a logarithm or a root is missing.
    "log": lambda values: np.log(values.where(values > 0) if isinstance(values, pd.Series) else values),
    "sqrt": lambda values: np.sqrt(values.where(values >= 0) if isinstance(values, pd.Series) else values),
    "abs": abs,
}


def evaluate(formula: str, frame: pd.DataFrame) -> pd.Series:
    """Return the values of a formula, row by row.

    Args:
        formula: Names of columns, numbers, `+ - * / //`, parentheses, `ceil`, `round`, `log` (natural), `sqrt`, `abs`.
        frame: Table with the columns that the formula names.

    Returns:
        One value for each row; missing where it does not exist: after a division by zero, or for the logarithm or root
        of a number that has none.

    Raises:
        BatchlabError: The formula holds something else, or names a column that the table does not have.
    """
    try:
        tree = ast.parse(formula, mode="eval")
    except SyntaxError:
        raise _wrong(formula, "it is not an expression") from None
    return pd.Series(_value(tree.body, formula, frame), index=frame.index)


def _value(node: ast.expr, formula: str, frame: pd.DataFrame) -> Any:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return number
        case ast.Name(id=name):
            if name not in frame:
                raise _wrong(formula, f"the table has no column {name}")
            return frame[name]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_value(left, formula, frame), _value(right, formula, frame))
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_value(operand, formula, frame))
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name](_value(argument, formula, frame))
    raise _wrong(formula, f"{ast.unparse(node)} is not allowed")


def _wrong(formula: str, reason: str) -> BatchlabError:
    return BatchlabError(f"formula {formula!r}: {reason}; write columns, numbers, + - * / //, {', '.join(_FUNCTIONS)}")


def with_derived(frame: pd.DataFrame, derived: Mapping[str, str]) -> pd.DataFrame:
    """Return `frame` with derived columns: those that it does not hold and whose formula its columns allow.

    Args:
        frame: Any table.
        derived: Column → formula.
    """
    new = {}
    for name, formula in derived.items():
        needs = {node.id for node in ast.walk(ast.parse(formula, mode="eval")) if isinstance(node, ast.Name)}
        if name not in frame and needs - _FUNCTIONS.keys() <= set(frame.columns):
            new[name] = evaluate(formula, frame)
    return frame.assign(**new)
