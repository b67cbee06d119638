"""Digests: what changes them and, above all, what does not."""

# ruff: noqa: E501 - small programs and their edits, one a line

from __future__ import annotations

import contextlib
import re
import shutil
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from slow import slow_but

from batchlab.files import write_text
from batchlab.paths import LIBRARY
from batchlab.records import reach
from batchlab.records.digests import canonical, codes, digest, locked_versions, packages, source_digest
from batchlab.records.reach import CORES, NEUTRAL, Library, Reach, Reached

PROJECT = Path(__file__).resolve().parents[2]
SCRIPTS = PROJECT / "scripts"


def test_canonical_form_ignores_order_and_keeps_names() -> None:
    assert canonical({"b": 1, "a": [1, 2]}) == '{"a":[1,2],"b":1}'
    assert digest({"a": 1, "b": 2}) != digest({"a": 2, "b": 1})
    assert digest([1, 1, 2]) != digest([1, 2, 2])
    assert len(digest(None)) == 10


def test_canonical_form_refuses_what_json_cannot_say(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        canonical({"path": tmp_path})
    with pytest.raises(ValueError):
        canonical(float("nan"))


# A small library: a script, a probe that it imports by name, helpers above two cores, and both cores.
FILES = {
    "script.py": """
        '''Measure.'''
        from batchlab.records.job import job
        from batchlab.probes import measure
        with job(snakemake) as this:
            this.write(measure(this.spec))
    """,
    "batchlab/__init__.py": "__version__ = '1'\n",
    "batchlab/errors.py": "class BatchlabError(Exception):\n    pass\n",
    "batchlab/records/__init__.py": "",
    "batchlab/records/job.py": "import json\ndef job(snakemake):\n    return snakemake\n",
    "batchlab/probes/__init__.py": """
        from batchlab.declarations.find import find
        def measure(spec):
            return find(spec["name"])(spec)
    """,
    "batchlab/declarations/find.py": """
        NAMES = ("norms",)
        def find(name):
            return __import__("importlib").import_module(f"batchlab.probes.{name}.measure").measure
    """,
    "batchlab/probes/norms/__init__.py": "",
    "batchlab/probes/norms/measure.py": """
        from __future__ import annotations
        import numpy as np
        from batchlab.training import core, shared
        from batchlab.training.shared import helper as help_me
        from batchlab.errors import BatchlabError
        LIMIT = 3
        def measure(options: dict, scale: float = shared.SCALE) -> list[float]:
            '''Measure.'''
            if scale < 0:
                raise BatchlabError("no")
            total = help_me(np.linalg.norm(core.gradient(options)), LIMIT)
            if options["clip"]:
                total = shared.clip(total)
            return [shared.Method().apply(x) if options["kind"] in ("a", "b") else _other(x) for x in total]
        def _other(x):
            return shared.other(x)
        def _unused(x):
            return shared.unused(x)
    """,
    "batchlab/training/__init__.py": "",
    "batchlab/training/core.py": """
        import os
        NAME = os.environ.get("CORE")
        if NAME == "jax":
            from batchlab.jax_core import gradient, update
        else:
            from batchlab.tensorflow_core import gradient, update
    """,
    "batchlab/training/shared.py": """
        import functools
        import pandas
        from . import deep
        from .deep import even
        SCALE = 2.0
        _TABLE = {}
        @functools.cache
        def helper(x, n):
            # why
            return [deep.square(y) for y in x if even(n)]
        def clip(x):
            return min(x, 1)
        def other(x):
            return -x
        def unused(x):
            return pandas.DataFrame(x)
        class Base:
            rate = deep.RATE
            def apply(self, x):
                return self.inner(x)
        class Method(Base):
            def inner(self, x):
                return x + self.rate
    """,
    "batchlab/training/deep.py": """
        RATE = 0.5
        def square(x):
            return x * x
        def even(n):
            return n == 0 or odd(n - 1)
        def odd(n):
            return n != 0 and even(n - 1)
    """,
    "batchlab/tensorflow_core/__init__.py": "from batchlab.tensorflow_core.loop import gradient, update\n",
    "batchlab/tensorflow_core/loop.py": """
        import tensorflow as tf
        def gradient(x):
            return _tape(x)
        def _tape(x):
            return tf.square(x)
        def update(x):
            return x
    """,
    "batchlab/jax_core/__init__.py": "from batchlab.jax_core.loop import gradient, update\n",
    "batchlab/jax_core/loop.py": """
        import jax
        def gradient(x):
            return jax.grad(x)
        def update(x):
            return x
    """,
}
ENTRY = "batchlab.probes.norms.measure"
OPTIONS = {"batchlab.probes.norms": {"clip": False, "kind": "a"}}
MEASURE, SHARED, DEEP = (f"batchlab/{name}.py" for name in ("probes/norms/measure", "training/shared", "training/deep"))
Files = dict[str, str]


def reached(
    folder: Path, files: Mapping[str, str], options: Any = OPTIONS, core: str = "tensorflow", entry: str = ENTRY
) -> Reached:
    shutil.rmtree(folder / "project", ignore_errors=True)
    for name, text in files.items():
        path = folder / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    library = Library(folder / "project/batchlab")
    return Reach(library, core, options).job(folder / "project/script.py", [entry] if entry else [])


def replaced(name: str, *pairs: tuple[str, str]) -> Files:
    text = FILES[name]
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return {**FILES, name: text}


def appended(name: str, text: str) -> Files:
    return {**FILES, name: textwrap.dedent(FILES[name]) + textwrap.dedent(text)}


def moved(old: str, new: str, *words: tuple[str, str]) -> Files:
    """Return the files with one moved, and the words in all that name it."""
    files = {(new if name == old else name): text for name, text in FILES.items()}
    for name, text in files.items():
        for before, after in words:
            text = text.replace(before, after)
        files[name] = text
    return files


SAME: dict[str, Files] = {
    "nothing": FILES,
    "a docstring, a comment, a layout": replaced(
        MEASURE, ("'''Measure.'''", "'''Other.'''"), ("LIMIT = 3", "LIMIT = (\n            3)  # three")
    ),
    "a docstring where none was": replaced(DEEP, ("return x * x", "'''Square.'''\n            return x * x")),
    "annotations": replaced(MEASURE, ("options: dict, scale: float =", "options, scale ="), (" -> list[float]", "")),
    "a local annotation": replaced(MEASURE, ("total = help_me", "total: float = help_me")),
    "a helper that is not used": replaced(SHARED, ("DataFrame(x)", "DataFrame([x])")),
    "a private helper that is not used": replaced(MEASURE, ("shared.unused(x)", "None")),
    "a branch of another kind": replaced(MEASURE, ("return shared.other(x)", "return -shared.other(x)")),
    "a helper of an option that is off": replaced(SHARED, ("min(x, 1)", "min(x, 2)")),
    "another definition": appended(SHARED, "def added(x):\n    return deep.square(x)\n"),
    "another assignment, which calls": appended(SHARED, "import re\nPATTERN = re.compile('x')\n"),
    "a type alias and a protocol": appended(
        SHARED, "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from batchlab.probes import norms\n"
    ),
    "what runs only as a program": appended(SHARED, "if __name__ == '__main__':\n    print(unused(1))\n"),
    "a folder without __init__.py": {
        name: text for name, text in FILES.items() if name != "batchlab/probes/norms/__init__.py"
    },
    "the version": replaced("batchlab/__init__.py", ("1", "2")),
    "a message of errors": appended("batchlab/errors.py", "NEW = print(1)\n"),
    "how records are written": replaced("batchlab/records/job.py", ("return snakemake", "return json")),
    "a new probe": {
        **replaced("batchlab/declarations/find.py", ('("norms",)', '("norms", "path")')),
        "batchlab/probes/path/measure.py": "def measure(options):\n    return 1\n",
        "batchlab/probes/path/__init__.py": "",
    },
    "a fix in the other core": replaced("batchlab/jax_core/loop.py", ("jax.grad(x)", "jax.grad(x, 0)")),
    "a helper of the core that is not used": replaced(
        "batchlab/tensorflow_core/loop.py",
        ("def update(x):\n            return x", "def update(x):\n            return -x"),
    ),
    "a moved module": moved(
        DEEP,
        "batchlab/other/deep.py",
        ("from . import deep", "from batchlab.other import deep"),
        ("from .deep", "from batchlab.other.deep"),
    ),
    "a renamed module": moved(
        DEEP,
        "batchlab/training/depth.py",
        ("from . import deep", "from . import depth as deep"),
        (".deep import", ".depth import"),
    ),
    "a renamed module, with its name in the code": moved(
        DEEP,
        "batchlab/training/depth.py",
        ("import deep", "import depth"),
        (".deep import", ".depth import"),
        ("deep.", "depth."),
    ),
    "another alias": replaced(MEASURE, ("helper as help_me", "helper"), ("help_me(", "helper(")),
    "another alias of a package": replaced(MEASURE, ("import numpy as np", "import numpy"), ("np.", "numpy.")),
    "a name taken from a package": replaced(
        MEASURE, ("import numpy as np", "from numpy.linalg import norm"), ("np.linalg.norm", "norm")
    ),
    "a name through its module": replaced(
        MEASURE, ("from batchlab.training.shared import helper as help_me", ""), ("help_me(", "shared.helper(")
    ),
    "a name through all its packages": replaced(
        MEASURE,
        ("from batchlab.training.shared import helper as help_me", "import batchlab.training.shared"),
        ("help_me(", "batchlab.training.shared.helper("),
    ),
    "an import inside a function": replaced(
        SHARED, ("from .deep import even", ""), ("# why", "from batchlab.training.deep import even")
    ),
    "a re-export": {
        **replaced(MEASURE, ("from batchlab.training.shared import", "from batchlab.training import")),
        "batchlab/training/__init__.py": "from batchlab.training.shared import helper\n",
    },
    "a star import": replaced(SHARED, ("from .deep import even", "from .deep import *")),
    "a module split in two": {
        **FILES,
        DEEP: "from batchlab.training.parity import even, odd\nRATE = 0.5\ndef square(x):\n    return x * x\n",
        "batchlab/training/parity.py": FILES[DEEP][FILES[DEEP].index("        def even") :],
    },
    "the order of definitions": {
        **FILES,
        DEEP: textwrap.dedent(FILES[DEEP]).replace("RATE = 0.5", "") + "RATE = 0.5\n",
    },
}

OTHER: dict[str, Files] = {
    "a helper": replaced(DEEP, ("x * x", "x ** 2")),
    "a helper in a circle": replaced(DEEP, ("n != 0 and", "n > 0 and")),
    "a constant of a helper": replaced(DEEP, ("RATE = 0.5", "RATE = 0.25")),
    "a constant": replaced(MEASURE, ("LIMIT = 3", "LIMIT = 4")),
    "the script": replaced("script.py", ("this.spec)", "this.spec )[0]")),
    "the function that finds the probe": replaced(
        "batchlab/probes/__init__.py", ('["name"])(spec)', '["name"])(dict(spec))')
    ),
    "a method of a base class": replaced(SHARED, ("return self.inner(x)", "return 2 * self.inner(x)")),
    "an attribute of a base class": replaced(SHARED, ("rate = deep.RATE", "rate = 2 * deep.RATE")),
    "a decorator": replaced(SHARED, ("@functools.cache", "@functools.lru_cache")),
    "no decorator": replaced(SHARED, ("@functools.cache", "")),
    "a default of an argument": replaced(MEASURE, ("= shared.SCALE", "= 3")),
    "what a default is made from": replaced(SHARED, ("SCALE = 2.0", "SCALE = 3.0")),
    "the core that computes": replaced("batchlab/tensorflow_core/loop.py", ("square(x)", "sqrt(x)")),
    "how a core is chosen": replaced("batchlab/training/core.py", ('NAME == "jax"', 'NAME == "JAX"')),
    "what another package does": replaced(MEASURE, ("np.linalg.norm", "np.linalg.det")),
    "the package behind a name": replaced(MEASURE, ("import numpy as np", "import scipy as np")),
    "a helper of the same name elsewhere": {
        **replaced(
            MEASURE, ("from batchlab.training.shared import helper", "from batchlab.training.more import helper")
        ),
        "batchlab/training/more.py": "def helper(x, n):\n    return x\n",
    },
    "an effect of a module": appended(SHARED, "_TABLE['a'] = 1\n"),
    "a call of a module": appended(DEEP, "print(RATE)\n"),
    "an attribute that is set": appended(SHARED, "import numpy\nnumpy.x = 1\n"),
    "an effect of a package": {**FILES, "batchlab/training/__init__.py": "print('training')\n"},
    "an effect of a module that is only imported": {
        **replaced(SHARED, ("from . import deep", "from . import deep, loud")),
        "batchlab/training/loud.py": "print('loaded')\n",
    },
    "a second binding": appended(DEEP, "RATE += 1\n"),
    "a binding that may not be there": appended(
        DEEP, "try:\n    import fast\n    square = fast.square\nexcept ImportError:\n    pass\n"
    ),
    "a loop that binds": appended(DEEP, "for RATE in (1, 2):\n    pass\n"),
    "a function registered by one of ours": appended(
        SHARED, "def register(f):\n    _TABLE[0] = f\n@register\ndef new():\n    pass\n"
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_what_cannot_change_a_result_does_not_count(tmp_path: Path, name: str) -> None:
    assert reached(tmp_path, SAME[name]).digest == reached(tmp_path, FILES).digest


@pytest.mark.parametrize("name", OTHER)
def test_what_may_change_a_result_counts(tmp_path: Path, name: str) -> None:
    assert reached(tmp_path, OTHER[name]).digest != reached(tmp_path, FILES).digest


def test_every_edit_gives_a_digest_of_its_own(tmp_path: Path) -> None:
    found = {name: reached(tmp_path, files).digest for name, files in OTHER.items()}
    assert len(set(found.values())) == len(found)


def test_a_core_counts_for_the_jobs_that_it_computes(tmp_path: Path) -> None:
    before = {core: reached(tmp_path, FILES, core=core) for core in ("", *CORES)}
    assert len({each.digest for each in before.values()}) == 3
    for core, (file, *pair) in {
        "tensorflow": ("batchlab/tensorflow_core/loop.py", "square", "sqrt"),
        "jax": ("batchlab/jax_core/loop.py", "grad(x)", "grad(x, 0)"),
    }.items():
        edited = replaced(file, (pair[0], pair[1]))
        changed = {each for each in before if reached(tmp_path, edited, core=each).digest != before[each].digest}
        assert changed == {core}
    assert {core: each.packages & {"tensorflow", "jax"} for core, each in before.items()} == {
        "": set(),
        "tensorflow": {"tensorflow"},
        "jax": {"jax"},
    }


# Options.

# A function that begins with the old code; then a contributor adds `new`, whose default keeps it.
BEFORE = """
    from batchlab.training import shared
    def measure(options, x):
        total = shared.helper(x, 3)
        for y in total:
            shared.other(y)
        return total
"""
AFTER = {
    "a branch": BEFORE.replace("        for", "        if options['new']:\n            shared.clip(x)\n        for"),
    "a branch with the old code in it": BEFORE.replace(
        "        return total",
        "        if not options['new']:\n            return total\n        return shared.clip(total)",
    ),
    "an early end": BEFORE.replace(
        "        return total",
        "        if options['new'] != 'a':\n            return total\n        else:\n            return shared.clip(total)",
    ),
    "an expression": BEFORE.replace(
        "shared.other(y)", "shared.clip(y) if options['new'] in ('a', 'b') else shared.other(y)"
    ),
    "a chain of branches": BEFORE.replace(
        "            shared.other(y)",
        "            if options['new'] == 'a':\n                shared.clip(y)\n            elif options['new'] == 'b':\n"
        "                shared.clip(-y)\n            else:\n                shared.other(y)",
    ),
    "a test of two": BEFORE.replace(
        "        for", "        if options['new'] and len(total) > 1:\n            shared.clip(x)\n        for"
    ),
    "nothing": BEFORE.replace(
        "        for", "        if options['new'] is not None and options['new']:\n            x = 1\n        for"
    ),
}


def optional(folder: Path, text: str, options: dict[str, Any], helper: str = "min(x, 1)") -> Reached:
    files = {**replaced(SHARED, ("min(x, 1)", helper)), MEASURE: text}
    return reached(folder, files, {"batchlab.probes.norms": options})


@pytest.mark.parametrize("how", AFTER)
def test_a_new_option_whose_default_keeps_the_old_path_changes_nothing(tmp_path: Path, how: str) -> None:
    before = optional(tmp_path, BEFORE, {}).digest
    assert optional(tmp_path, AFTER[how], {"new": False}).digest == before
    assert optional(tmp_path, AFTER[how], {"new": False}, "min(x, 2)").digest == before
    assert optional(tmp_path, AFTER[how], {"new": "a"}).digest != before
    # Without its value all branches stay.
    assert optional(tmp_path, AFTER[how], {}).digest != before


@pytest.mark.parametrize(
    "text",
    [
        "def measure(x, options):\n    options = {**options, 'new': 1}\n    if options['new']:\n        return 1\n    return x\n",
        "def measure(x, options):\n    options['new'] = 1\n    if options['new']:\n        return 1\n    return x\n",
        "def measure(x, options):\n    options.update(new=1)\n    if options['new']:\n        return 1\n    return x\n",
        "options = {'new': 1}\ndef measure(x):\n    if options['new']:\n        return 1\n    return x\n",
        "def measure(x):\n    options = {'new': 1}\n    if options['new']:\n        return 1\n    return x\n",
        "def measure(x, options):\n    if x or options['new']:\n        return 1\n    return x\n",
        "def measure(x, options):\n    if options['new'] == x:\n        return 1\n    return x\n",
    ],
)
def test_a_test_that_may_see_another_value_leaves_both_branches(tmp_path: Path, text: str) -> None:
    assert (
        optional(tmp_path, text, {"new": False}).digest
        != optional(tmp_path, text.replace("return 1", "return 2"), {"new": False}).digest
    )


def test_options_choose_branches_only_where_they_are_declared(tmp_path: Path) -> None:
    helper = "def helper(x, n, options={'clip': 1}):\n    return clip(x) if options['clip'] else x\ndef clip(x):\n    return x\n"
    files = appended(SHARED, helper)
    edited = {**files, SHARED: files[SHARED].replace("def clip(x):\n    return x\n", "def clip(x):\n    return 2\n")}
    assert reached(tmp_path, files).digest != reached(tmp_path, edited).digest


# What cannot be followed for certain.


@pytest.mark.parametrize(
    "use",
    [
        "getattr(shared, options['kind'])(x)",
        "apply(shared, x)",
        "vars(shared)['unused'](x)",
        "[shared][0].unused(x)",
        "shared.no_such_name",
    ],
)
def test_of_a_module_that_is_passed_around_everything_counts(tmp_path: Path, use: str) -> None:
    files = {**FILES, MEASURE: f"from batchlab.training import shared\ndef measure(options, x):\n    return {use}\n"}
    edited = {**files, SHARED: FILES[SHARED].replace("DataFrame(x)", "DataFrame([x])")}
    assert reached(tmp_path, files).digest != reached(tmp_path, edited).digest
    # It still does not count where the module lies.
    elsewhere = {("batchlab/more/common.py" if name == SHARED else name): text for name, text in files.items()}
    elsewhere[MEASURE] = files[MEASURE].replace(
        "from batchlab.training import shared", "import batchlab.more.common as shared"
    )
    elsewhere["batchlab/more/common.py"] = (
        FILES[SHARED]
        .replace("from . import", "from batchlab.training import")
        .replace("from .deep", "from batchlab.training.deep")
    )
    assert reached(tmp_path, elsewhere).digest == reached(tmp_path, files).digest


@pytest.mark.parametrize("look", ["globals()[x](x)", "eval(x)", "exec(x)", "vars()[x]"])
def test_of_a_module_that_looks_into_itself_everything_counts(tmp_path: Path, look: str) -> None:
    files = replaced(SHARED, ("return min(x, 1)", f"return {look}"))
    on = {"batchlab.probes.norms": {"clip": True, "kind": "a"}}
    edited = {**files, SHARED: files[SHARED].replace("DataFrame(x)", "DataFrame([x])")}
    assert reached(tmp_path, files, on).digest != reached(tmp_path, edited, on).digest


def test_a_look_into_an_object_is_none_into_the_module(tmp_path: Path) -> None:
    files = replaced(SHARED, ("return min(x, 1)", "return vars(x)"))
    on = {"batchlab.probes.norms": {"clip": True, "kind": "a"}}
    more = {**files, SHARED: files[SHARED].replace("DataFrame(x)", "DataFrame([x])")}
    assert reached(tmp_path, files, on).digest == reached(tmp_path, more, on).digest


def test_subclasses_count_where_their_base_learns_of_them(tmp_path: Path) -> None:
    files = replaced(
        SHARED,
        (
            "rate = deep.RATE",
            "rate = deep.RATE\n            def __init_subclass__(cls):\n                _TABLE[cls] = 1",
        ),
    )
    more = {**files, SHARED: textwrap.dedent(files[SHARED]) + "class New(Base):\n    pass\n"}
    assert reached(tmp_path, files).digest != reached(tmp_path, more).digest


def test_a_local_name_is_not_the_one_of_the_module(tmp_path: Path) -> None:
    uses = {
        "argument": "def measure(unused):\n    return unused\n",
        "assignment": "def measure(x):\n    unused = x\n    return [unused for _ in x]\n",
        "loop": "def measure(x):\n    for unused in x:\n        print(unused)\n",
        "comprehension": "def measure(x):\n    return [unused for unused in x]\n",
        "handler": "def measure(x):\n    try:\n        pass\n    except OSError as unused:\n        print(unused)\n",
        "closure": "def measure(unused):\n    def inner():\n        return unused\n    return inner\n",
        "lambda": "def measure(x):\n    return lambda unused: unused\n",
        "walrus": "def measure(x):\n    return [y for _ in x if (unused := 1)], unused\n",
        "match": "def measure(x):\n    match x:\n        case [unused]:\n            return unused\n",
    }
    for how, text in uses.items():
        files = {**FILES, MEASURE: "from batchlab.training.shared import unused\n" + text}
        edited = {**files, SHARED: FILES[SHARED].replace("DataFrame(x)", "DataFrame([x])")}
        assert reached(tmp_path, files).digest == reached(tmp_path, edited).digest, how


@pytest.mark.parametrize(
    "text",
    [
        "def measure(x):\n    return [y for y in unused(x)]\n",
        "def measure(x):\n    def inner():\n        global unused\n        return unused(x)\n    return inner()\n",
        "class measure:\n    unused = unused(1)\n",
        "class measure:\n    def unused(self):\n        return unused(self)\n",
        "def measure(x, y=unused(1)):\n    return y\n",
        "def measure(x):\n    return f'{unused(x):{x}}'\n",
        "def measure(x):\n    unused.cache = x\n",
        "measure = unused\n",
        "if unused(1):\n    def measure(x):\n        return x\n",
    ],
)
def test_a_name_of_the_module_is_found_wherever_it_stands(tmp_path: Path, text: str) -> None:
    files = {**FILES, MEASURE: "from batchlab.training.shared import unused\n" + text}
    edited = {**files, SHARED: FILES[SHARED].replace("DataFrame(x)", "DataFrame([x])")}
    assert reached(tmp_path, files).digest != reached(tmp_path, edited).digest


def test_entries_are_public_definitions_or_named_ones(tmp_path: Path) -> None:
    entry = "batchlab.training.shared"
    edited = replaced(SHARED, ("DataFrame(x)", "DataFrame([x])"))
    assert reached(tmp_path, FILES, entry=entry).digest != reached(tmp_path, edited, entry=entry).digest
    named = f"{entry}:clip"
    assert reached(tmp_path, FILES, entry=named).digest == reached(tmp_path, edited, entry=named).digest
    for missing in ("batchlab.nothing", f"{entry}:nothing"):
        with pytest.raises(ValueError, match="nothing"):
            reached(tmp_path, FILES, entry=missing)


def test_packages_are_those_of_the_definitions_that_are_reached(tmp_path: Path) -> None:
    others = {"numpy", "pandas", "tensorflow", "jax", "json", "os", "snakemake"}
    assert reached(tmp_path, FILES).packages & others == {"numpy", "tensorflow", "os"}
    on = replaced(MEASURE, ("shared.other(x)", "shared.unused(x)"))
    assert reached(tmp_path, on).packages & others == {"numpy", "tensorflow", "os"}
    other_kind = {"batchlab.probes.norms": {"clip": False, "kind": "c"}}
    assert reached(tmp_path, on, other_kind).packages & others == {"numpy", "pandas", "tensorflow", "os"}
    for_its_effect = appended(SHARED, "import jax\n")
    assert "jax" in reached(tmp_path, for_its_effect).packages


# What is kept between processes.


def test_what_is_kept_changes_no_digest_and_saves_parsing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = reached(tmp_path, FILES)
    project = tmp_path / "project"
    kept = project / "batchlab/__pycache__/definitions.json"
    assert not kept.exists()
    Library(project / "batchlab").keep(write_text)
    assert kept.exists()
    copy = shutil.copytree(project, tmp_path / "copy")

    def again(folder: Path) -> Reached:
        return Reach(Library(folder / "batchlab"), "tensorflow", OPTIONS).job(folder / "script.py", [ENTRY])

    def parse(*_: Any) -> None:
        raise AssertionError("parsed again")

    with monkeypatch.context() as patch:
        patch.setattr(reach, "take_apart", parse)
        assert again(project) == before
        assert again(copy).digest == before.digest
    (project / DEEP).write_text(textwrap.dedent(FILES[DEEP]).replace("x * x", "x ** 2"))
    after = again(project)
    assert after.digest != before.digest
    for damage in ("damaged", "[]", "{}"):
        kept.write_text(damage)
        assert again(project) == after


def test_a_folder_that_may_not_be_written_does_no_harm(tmp_path: Path) -> None:
    reached(tmp_path, FILES)

    def refuse(path: Path, text: str) -> None:
        raise PermissionError(path)

    Library(tmp_path / "project/batchlab").keep(refuse)


# The library itself.


def test_every_script_can_be_followed() -> None:
    for script in SCRIPTS.glob("*.py"):
        found = codes(script)
        assert found.keys() == CORES.keys() and all(len(code) == 10 for code in found.values())


def reached_modules() -> Iterator[tuple[str, str]]:
    """Yield module and text of each statement of the library that a script reaches."""
    library = Library(LIBRARY)
    for core in CORES:
        reach = Reach(library, core)
        for script in SCRIPTS.glob("*.py"):
            for module, statement in reach.reached_statements(script, []):
                if module.startswith("batchlab."):
                    yield module, statement.text


def test_jobs_take_nothing_from_the_planning_which_is_outside_their_digests() -> None:
    library = Library(LIBRARY)
    takes = set()
    for name in {module for module, _ in reached_modules()}:
        module = library.module(name)
        assert module is not None
        if any(each.module.split(".")[1:2] in (["planning"], ["configuration"]) for each in module.imports):
            takes.add(name)
    # Options of models and optimizers, which the plan has completed already.
    assert takes <= {"batchlab.models.construction", "batchlab.training.optimizers"}


def test_modules_that_are_imported_by_a_name_made_at_run_time_are_those_that_a_plan_names() -> None:
    imports = {module for module, text in reached_modules() if "import_module" in text}
    assert imports <= {
        "batchlab.probes.measuring",
        "batchlab.tables.deriving",
        "batchlab.models",
        "batchlab.sources.prepare",
    }


def test_what_is_left_out_of_digests_is_there() -> None:
    """A name that was moved would silently count again."""
    library = Library(LIBRARY)
    for name in {*NEUTRAL, *CORES.values()}:
        module, _, last = name.rpartition(".")
        known = library.module(module)
        assert library.path(name) or (known and last in known.bindings), name


# Jobs of all kinds: script, and modules that it imports by name.
JOBS = {
    "data": ("prepare_data.py", "batchlab.sources.formats.csv.read"),
    "check": ("check_model.py",),
    "initial": ("initialise_model.py", "batchlab.models.mlp"),
    "segment": ("train_segment.py", "batchlab.models.mlp"),
    "norms": ("measure_probe.py", "batchlab.probes.gradient_norms.measure", "batchlab.models.mlp"),
    "drift": ("measure_probe.py", "batchlab.probes.weight_drift.measure", "batchlab.models.mlp"),
    "tables": ("tabulate_study.py",),
    "claims": ("judge_claims.py",),
    "joined": ("merge_tables.py",),
    "curves": ("draw_figure.py", "batchlab.charts.curves.draw"),
    "forest": ("draw_figure.py", "batchlab.charts.forest.draw"),
    "report": ("write_report.py",),
}
COMPUTES = {"check", "initial", "segment", "norms", "drift"}


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the library and its scripts, parsed once."""
    scripts = tmp_path_factory.mktemp("copy") / "scripts"
    shutil.copytree(SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__", "benchmarks"))
    Library(scripts / "batchlab").keep(write_text)
    return scripts


def digests_of(scripts: Path) -> dict[tuple[str, str], str]:
    library = Library(scripts / "batchlab")
    found = {}
    for core in CORES:
        follow = Reach(library, core)
        for name, (script, *entries) in JOBS.items():
            found[name, core] = follow.job(scripts / script, entries).digest
    return found


@contextlib.contextmanager
def edited(scripts: Path, *edits: Callable[[Path], object]) -> Iterator[None]:
    kept = shutil.copytree(scripts, scripts.parent / "kept")
    try:
        for edit in edits:
            edit(scripts / "batchlab")
        yield
    finally:
        shutil.rmtree(scripts)
        kept.rename(scripts)


def adding(name: str, text: str) -> Callable[[Path], object]:
    def add(library: Path) -> None:
        path = library / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((path.read_text() if path.exists() else "") + text)

    return add


def renaming(room: str, old: str, new: str) -> Callable[[Path], object]:
    """Rename a module, in all imports of it too."""

    def rename(library: Path) -> None:
        (library / room / f"{old}.py").rename(library / room / f"{new}.py")
        for path in library.parent.rglob("*.py"):
            text = path.read_text().replace(f"batchlab.{room}.{old}", f"batchlab.{room}.{new}")
            imports = rf"(from batchlab\.{room} import [^\n]*?)\b{old}\b(?: as (\w+))?"
            path.write_text(re.sub(imports, lambda found: f"{found[1]}{new} as {found[2] or old}", text))

    return rename


NOTHING = {
    "a release": adding("__init__.py", '__version__ = "99"\n'),
    "how files are written": adding("files.py", "import sys\nprint(sys)\n"),
    "a message": adding("errors.py", "print(1)\n"),
    "records, planning and declarations": lambda library: [
        adding(f"{room}/{path.name}", "\nprint(1)\n")(library)
        for room in ("records", "planning", "declarations", "configuration")
        for path in (library / room).glob("*.py")
    ],
    "a new model": adding(
        "models/new.py", "import keras\ndef build(input_shape, classes):\n    return keras.Sequential()\n"
    ),
    "a new probe": adding("probes/new/measure.py", "def measure(options):\n    return print(options)\n"),
    "a new chart": adding("charts/new/draw.py", "def draw(figure, rows):\n    return rows\n"),
    "a new rule": adding("hyperparameters/new.py", "RULE = print\n"),
    "a new schedule": adding("schedules/new.py", "SCHEDULE = print\n"),
    "a new source": adding("sources/published/new.py", "SOURCE = print\n"),
    "a helper that nobody uses": lambda library: [
        adding(str(path.relative_to(library)), "\ndef _nobody(x):\n    return print(x)\n")(library)
        for room in ("training", "tables", "charts", "models", "backend", "tensorflow_core", "jax_core", "sources")
        for path in (library / room).glob("*.py")
        if path.name != "__init__.py"
    ],
    "a renamed module of training": renaming("training", "metrics", "quality"),
    "a renamed module of tables": renaming("tables", "intervals", "uncertainty"),
}


# One test of all; by themselves, which says which it was, they are slow together.
@pytest.mark.parametrize("what", slow_but([*NOTHING, "all of these"], "all of these"))
def test_in_the_library_itself_it_changes_no_digest(copied: Path, what: str) -> None:
    before = digests_of(copied)
    edits = [NOTHING[what]] if what in NOTHING else list(NOTHING.values())
    with edited(copied, *edits):
        assert digests_of(copied) == before


def jobs_changed(scripts: Path, *edits: Callable[[Path], object]) -> set[tuple[str, str]]:
    before = digests_of(scripts)
    with edited(scripts, *edits):
        after = digests_of(scripts)
    return {job for job in before if after[job] != before[job]}


@pytest.mark.parametrize("core", CORES)
def test_an_edited_core_changes_what_it_computes(copied: Path, core: str) -> None:
    def edit(library: Path) -> None:
        for path in (library / f"{core}_core").glob("*.py"):
            path.write_text(path.read_text() + "\nprint(1)\n")

    assert jobs_changed(copied, edit) == {(job, core) for job in COMPUTES}


def test_an_edited_module_changes_its_dependents(copied: Path) -> None:
    def effect(name: str) -> set[str]:
        return {job for job, _ in jobs_changed(copied, adding(name, "\nprint(1)\n"))}

    assert effect("probes/weight_drift/measure.py") == {"drift"}
    assert effect("models/mlp.py") == COMPUTES - {"check"}
    assert effect("charts/forest/draw.py") == {"forest"}
    assert effect("charts/theme.py") >= {"curves", "forest"}
    assert effect("tables/claims.py") >= {"claims"} and "tables" not in effect("tables/claims.py")
    assert effect("training/order.py") >= {"segment"}


def test_tables_do_not_depend_on_tensorflow() -> None:
    for script in ("tabulate_study.py", "judge_claims.py", "draw_figure.py", "write_report.py"):
        assert not packages(SCRIPTS / script).keys() & {"tensorflow", "tensorflow-cpu", "keras"}, script
    assert {"keras", "numpy", "tensorflow"} <= packages(SCRIPTS / "train_segment.py").keys()


def test_the_second_core_is_in_no_digest_of_an_environment() -> None:
    locked, other = locked_versions(), locked_versions(PROJECT / "envs/lock-jax.txt")
    assert {"jax", "jaxlib"} <= other.keys() and not {"jax", "jaxlib"} & locked.keys()
    # Installed beside the first lock, the second changes none of its versions.
    shared = other.keys() & locked.keys()
    assert "numpy" in shared
    assert {name: other[name] for name in shared} == {name: locked[name] for name in shared}


def test_the_digest_of_a_file_of_the_user_stays_what_it_was(tmp_path: Path) -> None:
    """It is part of the identity of segments: another value would train every model of a user anew."""
    path = tmp_path / "own.py"
    path.write_text(
        '"""Own."""\nimport keras\n\n\ndef build(n):\n    """Build."""\n    # dense\n    return  keras.Dense(n)\n'
    )
    assert source_digest(path) == "eb26f944d3"


def test_lock_has_no_addresses() -> None:
    for lock in PROJECT.glob("envs/*"):
        assert "://" not in lock.read_text(), lock
