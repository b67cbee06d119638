"""One Python module taken apart: its definitions, its statements with effects, and the names that each of them uses.

What cannot change a result is left out: docstrings, comments, layout, annotations, and the text of imports. A name that
comes from outside a definition is replaced by a placeholder, so that `reach` can put there what the name stands for,
wherever the module and the thing lie. Standard library only, because the Snakefile imports this module.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from batchlab.source_text import source_text

PLACEHOLDER = "__ref{}__"

Node = TypeVar("Node", bound=ast.AST)


class Import(NamedTuple):
    """What an imported name stands for: `name` of `module`, or the module itself if `name` is empty."""

    module: str
    name: str


class Reference(NamedTuple):
    """A name from outside a definition, with the attributes taken of it.

    Attributes:
        chain: As in the source: `np.linalg.norm`.
        imports: What an import inside the definition binds the first part to; none if it is a name of the module.
        followed: False in an annotation, which is never evaluated.
    """

    chain: str
    imports: tuple[Import, ...]
    followed: bool


class Statement(NamedTuple):
    """One statement of a module, imports aside.

    Attributes:
        text: The normalised source with a placeholder for each reference.
        references: What stands for the placeholders.
        imports: Imports inside the statement.
        effect: Whether running it does more than bind a name.
        decorators: Numbers of the references that decorate it; a decorator of ours may register what it decorates.
        bases: Numbers of the references that are its base classes.
        tells_subclasses: Whether it is a class that learns of its subclasses.
        reads_module: Whether it looks into its own module by name, as `globals()` and `eval` do.
        options: Names of options whose tests choose a branch in it.
        source: Its source, if there are any, so that the branches can be chosen; else empty.
        guard: Number of the statement with the condition under which it is run, and the branch; None if it always is.
    """

    text: str
    references: tuple[Reference, ...]
    imports: tuple[Import, ...]
    effect: bool
    decorators: tuple[int, ...]
    bases: tuple[int, ...]
    tells_subclasses: bool
    reads_module: bool
    options: tuple[str, ...]
    source: str
    guard: tuple[int, str] | None


class Module(NamedTuple):
    """A module taken apart.

    Attributes:
        package: Where its relative imports start.
        statements: Its statements in their order.
        bindings: Name → what it is bound to: numbers of statements, or imports.
        stars: Modules of which it imports all names.
        imports: All that is imported when the module is.
        unused: Those whose name nothing in the module uses: they are there for their effects.
    """

    package: str
    statements: tuple[Statement, ...]
    bindings: dict[str, tuple[int | Import, ...]]
    stars: tuple[str, ...]
    imports: tuple[Import, ...]
    unused: tuple[Import, ...]


def to_json(module: Module) -> list[Any]:
    """Return a module as plain lists."""
    return list(module)


def from_json(value: list[Any]) -> Module:
    """Return the module of which `to_json` made lists, read back from a file."""

    def imports(found: Iterable[Any]) -> tuple[Import, ...]:
        return tuple(Import(*each) for each in found)

    package, statements, bindings, stars, imported, unused = value
    return Module(
        package,
        tuple(
            Statement(
                text,
                tuple(Reference(chain, imports(local), followed) for chain, local, followed in references),
                imports(inner),
                effect,
                tuple(decorators),
                tuple(bases),
                tells,
                reads,
                tuple(options),
                source,
                None if guard is None else (guard[0], guard[1]),
            )
            for text, references, inner, effect, decorators, bases, tells, reads, options, source, guard in statements
        ),
        {
            name: tuple(each if isinstance(each, int) else Import(*each) for each in bound)
            for name, bound in bindings.items()
        },
        tuple(stars),
        imports(imported),
        imports(unused),
    )


def take_apart(text: str, package: str, script: bool = False) -> Module:
    """Take a module apart.

    Args:
        text: Its source.
        package: Where its relative imports start: its package, or its own name if it is a package.
        script: Whether it is run, not imported.

    Raises:
        SyntaxError: The source is not Python.
    """
    return _Reader(package, script).read(ast.parse(text))


def choose_branches(module: Module, statement: Statement, options: Mapping[str, Any]) -> Statement:
    """Return a statement with the branches that the options choose, as if the others were not there."""
    (node,) = ast.parse(statement.source).body
    return _statement(node, module.package, frozenset(module.bindings), options, statement.guard, statement.effect)


_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda value, values: value in values,
    ast.NotIn: lambda value, values: value not in values,
}
# With these a definition can look up any name of its module.
_LOOKS_INTO_MODULE = frozenset({"globals", "vars", "eval", "exec", "__import__"})
_METHODS_THAT_CHANGE = frozenset({"update", "pop", "popitem", "setdefault", "clear"})
_OPTIONS = "options"
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SCOPES = (*_FUNCTIONS, ast.Lambda, ast.ClassDef, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def imported(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[tuple[str, Import]]:
    """Yield the names that an import binds and what they stand for; `*` for all names of a module."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.asname:
                yield alias.asname, Import(alias.name, "")
            else:
                yield alias.name.partition(".")[0], Import(alias.name.partition(".")[0], "")
        return
    module = node.module or ""
    if node.level:
        parts = package.split(".")
        module = ".".join([*parts[: len(parts) - node.level + 1], *([module] if module else [])])
    if module != "__future__":
        for alias in node.names:
            yield alias.asname or alias.name, Import(module, alias.name)


def _loaded(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[Import]:
    """Yield what an import loads, which is more than it binds in `import a.b.c`."""
    if isinstance(node, ast.Import):
        yield from (Import(alias.name, "") for alias in node.names)
    else:
        yield from (what for _, what in imported(node, package))


def _scope_of(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield all nodes of one scope; functions, classes and comprehensions in it are yielded, but not entered."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, _SCOPES):
            waiting.extend(ast.iter_child_nodes(node))
        elif not isinstance(node, (*_FUNCTIONS, ast.ClassDef, ast.Lambda)):
            # A name bound by := in a comprehension is one of the scope around it.
            waiting.extend(each.target for each in ast.walk(node) if isinstance(each, ast.NamedExpr))


@dataclass
class _Scope:
    """Names of a function, class or comprehension: all that it binds, those bound by imports, and parameters."""

    names: set[str] = field(default_factory=set)
    imports: dict[str, list[Import]] = field(default_factory=dict)
    is_class: bool = False
    has_options: bool = False


def _arguments(arguments: ast.arguments) -> set[str]:
    given = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return {each.arg for each in (*given, arguments.vararg, arguments.kwarg) if each}


def _bound(nodes: Iterable[ast.AST], package: str) -> _Scope:
    """Return the names that nodes of one scope bind."""
    scope, elsewhere = _Scope(), set()
    for node in nodes:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            scope.names.add(node.id)
        elif isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            scope.names.add(node.name)
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
            scope.names.update(filter(None, [node.name]))
        elif isinstance(node, ast.MatchMapping) and node.rest:
            scope.names.add(node.rest)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for name, what in imported(node, package):
                scope.names.add(name)
                scope.imports.setdefault(name, []).append(what)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            elsewhere.update(node.names)
    scope.names -= elsewhere
    return scope


def _changes_options(node: ast.AST) -> bool:
    """Return whether a part of a function binds `options` to something else, or changes what is in it."""
    if isinstance(node, ast.Name):
        return node.id == _OPTIONS and not isinstance(node.ctx, ast.Load)
    if isinstance(node, ast.Subscript):
        return _is_options(node.value) and not isinstance(node.ctx, ast.Load)
    return isinstance(node, ast.Attribute) and _is_options(node.value) and node.attr in _METHODS_THAT_CHANGE


def _is_options(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == _OPTIONS


class _Normaliser(ast.NodeTransformer):
    """Normalises one statement and collects the names that it takes from outside.

    Args:
        package: Where relative imports start.
        module_names: Names that the module binds.
        options: Values that choose branches; None leaves all branches there.
    """

    def __init__(self, package: str, module_names: frozenset[str], options: Mapping[str, Any] | None) -> None:
        self.package, self.module_names, self.options = package, module_names, options
        self.scopes: list[_Scope] = []
        self.references: dict[Reference, int] = {}
        self.imports: list[Import] = []
        self.tested: set[str] = set()
        self.reads_module = False
        self._followed = True

    # Names

    def _local_imports(self, name: str) -> tuple[Import, ...] | None:
        """Return what a name stands for: nothing if it is of the module, imports inside, or None if it is local."""
        for depth, scope in enumerate(reversed(self.scopes)):
            if scope.is_class and (depth or name in self.module_names):
                continue  # methods do not see names of the class; its body may mean the module's
            if name in scope.imports:
                return tuple(scope.imports[name])
            if name in scope.names:
                return None
        return ()

    def _reference(self, chain: str, node: ast.expr) -> ast.expr:
        imports = self._local_imports(chain.partition(".")[0])
        if imports is None:
            return node
        if chain in _LOOKS_INTO_MODULE and not imports and chain not in self.module_names:
            self.reads_module = True
        reference = Reference(chain, imports, self._followed)
        number = self.references.setdefault(reference, len(self.references))
        return ast.copy_location(ast.Name(PLACEHOLDER.format(number), ast.Load()), node)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if not self.scopes and not isinstance(node.ctx, ast.Load):
            return node  # what the statement defines
        return self._reference(node.id, node)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        before = self.reads_module
        node.func = self.visit(node.func)
        if node.args and isinstance(node.func, ast.Name) and node.func.id in self._names_of("vars"):
            self.reads_module = before  # with an argument, it looks into that
        node.args = self.visit_all(node.args)
        node.keywords = self.visit_all(node.keywords)
        return node

    def _names_of(self, chain: str) -> set[str]:
        return {PLACEHOLDER.format(number) for reference, number in self.references.items() if reference.chain == chain}

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        attributes, root = [node.attr], node.value
        while isinstance(root, ast.Attribute):
            attributes.append(root.attr)
            root = root.value
        if isinstance(root, ast.Name):
            return self._reference(".".join([root.id, *reversed(attributes)]), node)
        node.value = self.visit(node.value)
        return node

    # Scopes

    def visit_all(self, nodes: list[Node]) -> list[Node]:
        """Visit nodes; some become several or none."""
        found = []
        for node in nodes:
            new = self.visit(node)
            if isinstance(new, list):
                found += new
            elif new is not None:
                found.append(new)
        return found

    def _body(self, nodes: list[ast.stmt]) -> list[ast.stmt]:
        """Return the statements of a block without those that do nothing, or that come after its end."""
        found: list[ast.stmt] = []
        for node in self.visit_all(nodes):
            found.append(node)
            if isinstance(node, ast.Return | ast.Raise | ast.Continue | ast.Break):
                break
        while len(found) > 1 and any(isinstance(node, ast.Pass) for node in found):
            found.remove(next(node for node in found if isinstance(node, ast.Pass)))
        return found or [ast.Pass()]

    def _defaults(self, arguments: ast.arguments) -> None:
        arguments.defaults = self.visit_all(arguments.defaults)
        arguments.kw_defaults = [default and self.visit(default) for default in arguments.kw_defaults]
        for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            each.annotation = None
        for other in (arguments.vararg, arguments.kwarg):
            if other:
                other.annotation = None

    def _function(self, node: Any) -> Any:
        node.decorator_list = self.visit_all(node.decorator_list)
        self._defaults(node.args)
        node.returns = None
        if hasattr(node, "type_params"):
            node.type_params = []
        # A nested function is entered too, where what it does to `options` matters.
        changes = any(_changes_options(each) for statement in node.body for each in ast.walk(statement))
        scope = _bound(_scope_of(node.body), self.package)
        parameters = _arguments(node.args)
        scope.names |= parameters
        scope.has_options = _OPTIONS in parameters and not changes
        self.scopes.append(scope)
        node.body = self._body(node.body)
        self.scopes.pop()
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> Any:
        return self._function(node)

    def visit_Lambda(self, node: ast.Lambda) -> ast.Lambda:
        self._defaults(node.args)
        self.scopes.append(_Scope(_arguments(node.args) | _bound(_scope_of([node.body]), "").names))
        node.body = self.visit(node.body)
        self.scopes.pop()
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        node.decorator_list = self.visit_all(node.decorator_list)
        node.bases = self.visit_all(node.bases)
        node.keywords = self.visit_all(node.keywords)
        if hasattr(node, "type_params"):
            node.type_params = []
        scope = _bound(_scope_of(node.body), self.package)
        scope.is_class = True
        self.scopes.append(scope)
        node.body = self._body(node.body)
        self.scopes.pop()
        return node

    def _comprehension(self, node: Any) -> Any:
        first = node.generators[0]
        first.iter = self.visit(first.iter)
        targets = [name for each in node.generators for name in ast.walk(each.target) if isinstance(name, ast.Name)]
        self.scopes.append(_Scope({name.id for name in targets}))
        for number, generator in enumerate(node.generators):
            generator.target = self.visit(generator.target)
            if number:
                generator.iter = self.visit(generator.iter)
            generator.ifs = self.visit_all(generator.ifs)
        for part in ("key", "value", "elt"):
            if hasattr(node, part):
                setattr(node, part, self.visit(getattr(node, part)))
        self.scopes.pop()
        return node

    def visit_ListComp(self, node: ast.ListComp) -> Any:
        return self._comprehension(node)

    def visit_SetComp(self, node: ast.SetComp) -> Any:
        return self._comprehension(node)

    def visit_DictComp(self, node: ast.DictComp) -> Any:
        return self._comprehension(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> Any:
        return self._comprehension(node)

    # What is left out

    def _import(self, node: Any) -> None:
        self.imports += _loaded(node, self.package)

    def visit_Import(self, node: ast.Import) -> None:
        self._import(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self._import(node)

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        if isinstance(node.value, ast.Constant):
            return None
        node.value = self.visit(node.value)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        # Of a field of a class the annotation is read, by `dataclass` for one; others never are.
        if self.scopes and self.scopes[-1].is_class:
            self._followed = False
            node.annotation = self.visit(node.annotation)
            self._followed = True
            node.value = node.value and self.visit(node.value)
            return node
        if node.value is None:
            return None
        return self.visit(ast.copy_location(ast.Assign([node.target], node.value, lineno=node.lineno), node))

    # Branches

    def _blocks(self, node: Any) -> Any:
        for name, value in ast.iter_fields(node):
            if name in ("body", "orelse", "finalbody") and isinstance(value, list):
                setattr(node, name, self._body(value) if value else [])
            elif isinstance(value, list):
                setattr(node, name, self.visit_all(value))
            elif isinstance(value, ast.AST):
                setattr(node, name, self.visit(value))
        return node

    def visit_For(self, node: ast.For) -> Any:
        return self._blocks(node)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> Any:
        return self._blocks(node)

    def visit_While(self, node: ast.While) -> Any:
        return self._blocks(node)

    def visit_With(self, node: ast.With) -> Any:
        return self._blocks(node)

    def visit_AsyncWith(self, node: ast.AsyncWith) -> Any:
        return self._blocks(node)

    def visit_Try(self, node: ast.Try) -> Any:
        return self._blocks(node)

    def visit_TryStar(self, node: ast.TryStar) -> Any:
        return self._blocks(node)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> Any:
        return self._blocks(node)

    def visit_match_case(self, node: ast.match_case) -> Any:
        return self._blocks(node)

    def visit_If(self, node: ast.If) -> Any:
        holds = self._decide(node.test)
        if holds is None:
            return self._blocks(node)
        found = self._body(node.body if holds else node.orelse)
        return [] if all(isinstance(each, ast.Pass) for each in found) else found

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        holds = self._decide(node.test)
        if holds is None:
            return self.generic_visit(node)
        return self.visit(node.body if holds else node.orelse)

    def _decide(self, test: ast.expr) -> bool | None:
        """Return whether a test of options holds; None if it is another test, or none is known."""
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            inner = self._decide(test.operand)
            return None if inner is None else not inner
        if isinstance(test, ast.BoolOp):
            parts = [self._decide(each) for each in test.values]
            decisive = isinstance(test.op, ast.Or)
            # What stands before a decisive part would still run; it must be decided as well.
            for part in parts:
                if part is None or part is decisive:
                    return part
            return not decisive
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            value, literal = self._option(test.left), test.comparators[0]
            compare = _COMPARISONS[type(test.ops[0])]
            try:
                return None if value is None else bool(compare(value[0], ast.literal_eval(literal)))
            except (ValueError, TypeError):
                return None
        value = self._option(test)
        return None if value is None else bool(value[0])

    def _option(self, node: ast.expr) -> tuple[Any] | None:
        """Return the value of `options["name"]`, in a tuple; None if it is something else or not known."""
        if not (isinstance(node, ast.Subscript) and _is_options(node.value) and isinstance(node.slice, ast.Constant)):
            return None
        name = node.slice.value
        scope = next((scope for scope in reversed(self.scopes) if _OPTIONS in scope.names and not scope.is_class), None)
        if not isinstance(name, str) or scope is None or not scope.has_options:
            return None
        self.tested.add(name)
        return (self.options[name],) if self.options is not None and name in self.options else None


def _chain_root(node: ast.expr) -> ast.expr:
    """Return what is called, or the expression itself: `register` in `@register("name")`."""
    return node.func if isinstance(node, ast.Call) else node


def _statement(
    node: ast.stmt,
    package: str,
    names: frozenset[str],
    options: Mapping[str, Any] | None,
    guard: tuple[int, str] | None,
    effect: bool,
) -> Statement:
    """Normalise one statement of a module."""
    normaliser = _Normaliser(package, names, options)
    source = ast.unparse(node) if any(_is_options(each) for each in ast.walk(node)) else ""
    tells_subclasses = isinstance(node, ast.ClassDef) and (
        any(keyword.arg == "metaclass" for keyword in node.keywords)
        or any(isinstance(each, _FUNCTIONS) and each.name == "__init_subclass__" for each in node.body)
    )
    roots = [_chain_root(each) for each in getattr(node, "decorator_list", [])]
    effect = effect or not all(isinstance(each, ast.Name | ast.Attribute) for each in roots)
    decorators = {ast.unparse(each) for each in roots}
    bases = {ast.unparse(each) for each in getattr(node, "bases", [])}
    new = normaliser.visit_all([node])
    text = "\n".join(source_text(each) for each in new)

    def numbers(chains: set[str]) -> tuple[int, ...]:
        return tuple(number for reference, number in normaliser.references.items() if reference.chain in chains)

    return Statement(
        text,
        tuple(normaliser.references),
        tuple(normaliser.imports),
        effect,
        numbers(decorators),
        numbers(bases),
        tells_subclasses,
        normaliser.reads_module,
        tuple(sorted(normaliser.tested)),
        source if normaliser.tested else "",
        guard,
    )


def _only_names(targets: Iterable[ast.expr]) -> bool:
    """Return whether an assignment binds names and changes nothing else."""
    return not any(isinstance(each, ast.Attribute | ast.Subscript) for target in targets for each in ast.walk(target))


class _Reader:
    """Takes one module apart."""

    def __init__(self, package: str, script: bool) -> None:
        self.package, self.script = package, script
        self.names: frozenset[str] = frozenset()
        self.statements: list[Statement] = []
        self.bindings: dict[str, list[int | Import]] = {}
        self.stars: list[str] = []
        self.imports: list[Import] = []

    def read(self, tree: ast.Module) -> Module:
        self.names = frozenset(_bound(_scope_of(tree.body), self.package).names)
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        for node in tree.body:
            self._add(node, None)
        unused = {
            bound
            for name, what in self.bindings.items()
            for bound in what
            if name not in used and isinstance(bound, Import)
        }
        return Module(
            self.package,
            tuple(self.statements),
            {name: tuple(what) for name, what in self.bindings.items()},
            tuple(self.stars),
            tuple(dict.fromkeys(self.imports)),
            tuple(sorted(unused)),
        )

    def _keep(self, node: ast.stmt, guard: tuple[int, str] | None, effect: bool, names: Iterable[str] = ()) -> int:
        statement = _statement(node, self.package, self.names, None, guard, effect)
        self.statements.append(statement)
        number = len(self.statements) - 1
        for name in names:
            self.bindings.setdefault(name, []).append(number)
        return number

    def _add(self, node: ast.stmt, guard: tuple[int, str] | None) -> None:
        if isinstance(node, ast.Import | ast.ImportFrom):
            self._import(node, guard)
        elif isinstance(node, ast.If):
            self._if(node, guard)
        elif isinstance(node, ast.Try):
            self._try(node, guard)
        elif isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            self._keep(node, guard, effect=False, names=[node.name])
        elif isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            pass
        elif not (isinstance(node, ast.AnnAssign) and node.value is None):
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            plain = isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) and _only_names(filter(None, targets))
            plain = plain or type(node).__name__ == "TypeAlias"
            bound = _bound(_scope_of([node]), self.package)
            for name, imports in bound.imports.items():
                self.bindings.setdefault(name, []).extend(imports)
            self._keep(node, guard, effect=not plain, names=sorted(bound.names))

    def _import(self, node: ast.Import | ast.ImportFrom, guard: tuple[int, str] | None) -> None:
        self.imports += _loaded(node, self.package)
        for name, what in imported(node, self.package):
            if name == "*":
                self.stars.append(what.module)
                continue
            bound = self.bindings.setdefault(name, [])
            bound.append(what)
            if guard:
                bound.append(guard[0])  # the condition chooses what the name means

    def _if(self, node: ast.If, guard: tuple[int, str] | None) -> None:
        condition = ast.unparse(node.test)
        if condition.rpartition(".")[2] == "TYPE_CHECKING":
            branches: list[tuple[str, list[ast.stmt]]] = [("else", node.orelse)]
            inner = guard
        else:
            never = condition == "__name__ == '__main__'" and not self.script
            branches = [("then", [] if never else node.body), ("else", node.orelse)]
            if not any(body for _, body in branches):
                return
            calls = any(isinstance(each, ast.Call) for each in ast.walk(node.test))
            inner = (self._keep(ast.Expr(node.test), guard, effect=calls), "")
        for branch, body in branches:
            for each in body:
                self._add(each, inner and (inner[0], branch))

    def _try(self, node: ast.Try, guard: tuple[int, str] | None) -> None:
        caught: list[ast.expr] = [handler.type for handler in node.handlers if handler.type]
        number = self._keep(ast.Expr(ast.Tuple(caught, ast.Load())), guard, effect=False)
        branches = [("try", node.body), ("else", node.orelse), ("finally", node.finalbody)]
        branches += [(f"except {place}", handler.body) for place, handler in enumerate(node.handlers)]
        for branch, body in branches:
            for each in body:
                self._add(each, (number, branch))
