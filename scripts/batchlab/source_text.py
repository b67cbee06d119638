"""Source text that is the same in every version of Python, so that digests of code are.

From Python 3.12 on, `ast.unparse` chooses the quotes of f-strings in another way, since an expression in one may hold
the same quotes as the string around it. Here they are chosen as before, so that every version can read them. Standard
library only.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

# In the order in which they are tried.
_QUOTES = ("'", '"', '"""', "'''")
# Expressions that stand in parentheses inside of braces.
_BRACKETED = (ast.IfExp, ast.Lambda, ast.Yield, ast.YieldFrom)


def source_text(node: ast.AST) -> str:
    """Return the text of a tree, without comments and layout; the tree is changed."""
    return ast.unparse(_Written().visit(node))


class _Written(ast.NodeTransformer):
    """Puts the text of each f-string in its place, as a name, which `ast.unparse` writes as it is."""

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        return ast.copy_location(ast.Name("f" + _quoted(self._parts(node)), ast.Load()), node)

    def _parts(self, node: ast.JoinedStr) -> list[str]:
        return [self._constant(each) if isinstance(each, ast.Constant) else self._value(each) for each in node.values]

    def _constant(self, node: ast.Constant) -> str:
        text = "".join(_escaped(character) for character in str(node.value))
        return text.replace("{", "{{").replace("}", "}}")

    def _value(self, node: ast.expr) -> str:
        assert isinstance(node, ast.FormattedValue)
        text = f"({source_text(node.value)})" if isinstance(node.value, _BRACKETED) else source_text(node.value)
        if text.startswith("{"):
            text = f" {text}"
        conversion = "" if node.conversion < 0 else f"!{chr(node.conversion)}"
        form = ""
        if node.format_spec is not None:
            assert isinstance(node.format_spec, ast.JoinedStr)
            form = ":" + "".join(self._parts(node.format_spec))
        return f"{{{text}{conversion}{form}}}"


def _escaped(character: str) -> str:
    if character == "\\" or not character.isprintable():
        return character.encode("unicode_escape").decode("ascii")
    return character


def _quoted(parts: Sequence[str]) -> str:
    """Return the parts between the first quotes that occur in none of them; better those that no part ends in."""
    quotes = list(_QUOTES)
    for part in filter(None, parts):
        quotes = sorted((each for each in quotes if each not in part), key=lambda each: each[0] == part[-1])
    text = "".join(parts)
    if not quotes or text.endswith(quotes[0][0]):
        return repr(text)
    return f"{quotes[0]}{text}{quotes[0]}"
