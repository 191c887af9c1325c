"""A script with the definitions of ``handbook`` copied into it does what it did, or is refused."""

from __future__ import annotations

import ast
import builtins
import codeop
import contextlib
import io
import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import standalone
from standalone import StandaloneError

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted((ROOT / "gallery").glob("**/plot_*.py"))


class Shelf:
    """A small package ``shelf`` in an empty folder, and scripts that import from it."""

    package = "shelf"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def modules(self, **sources: str) -> None:
        """Write modules; ``a__b`` is the module b of the package a."""
        sources.setdefault("__init__", '__version__ = "3.2.1"\n')
        for name, source in sources.items():
            parts = ["__init__"] if name == "__init__" else name.split("__")
            path = self.folder.joinpath(self.package, *parts).with_suffix(".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            if len(parts) > 1:
                (path.parent / "__init__.py").touch()
            path.write_text(textwrap.dedent(source), encoding="utf-8")

    def script(self, source: str) -> Path:
        path = self.folder / "plot_it.py"
        path.write_text(textwrap.dedent(source), encoding="utf-8")
        return path

    def inline(self, source: str) -> str:
        path = self.script(source)
        return standalone.inline(
            path.read_text(encoding="utf-8"),
            path="plot_it.py",
            package_root=self.folder,
            package=self.package,
        )

    def uses(self, source: str) -> set[str]:
        return standalone.uses(self.script(source), self.folder, self.package)

    def fingerprint(self, source: str) -> str:
        return standalone.fingerprint(self.script(source), self.folder, self.package)

    def run(self, source: str, *, with_package: bool) -> str:
        """Return what a script prints."""
        before = dict(sys.modules)
        path = sys.path[:]
        printed = io.StringIO()
        sys.dont_write_bytecode, writes = True, sys.dont_write_bytecode
        if with_package:
            sys.path.insert(0, str(self.folder))
        try:
            code = compile(textwrap.dedent(source), "plot_it.py", "exec", dont_inherit=True)
            with contextlib.redirect_stdout(printed):
                exec(code, {"__name__": "__main__", "__builtins__": builtins})
        finally:
            sys.path[:] = path
            sys.dont_write_bytecode = writes
            for name in set(sys.modules) - set(before):
                if name.split(".")[0] == self.package:
                    del sys.modules[name]
        return printed.getvalue()

    def same(self, source: str) -> str:
        """Check that the copy prints what the script prints; return the copy."""
        wanted = self.run(source, with_package=True)
        text = self.inline(source)
        assert self.run(text, with_package=False) == wanted
        assert wanted, "a comparison needs something printed"
        assert text == self.inline(source), "twice the same"
        assert text.endswith("\n")
        assert not text.endswith("\n\n")
        return text


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def in_order(text: str, *parts: str) -> bool:
    places = [text.index(part) for part in parts]
    return places == sorted(places)


# -- what is copied -----------------------------------------------------------------------------


def test_a_function_comes_with_its_helpers_and_nothing_else(shelf: Shelf) -> None:
    shelf.modules(
        low="""
        def _twice(x):
            return 2 * x

        def unused(x):
            return x
        """,
        high="""
        from shelf.low import _twice, unused

        def four_times(x):
            return _twice(_half(x)) * 4

        def _half(x):
            return x / 2
        """,
    )
    text = shelf.same("from shelf.high import four_times\nprint(four_times(3))\n")
    assert "unused" not in text
    assert in_order(text, "from shelf.low", "_twice", "from shelf.high", "four_times", "_half(x):")
    assert shelf.uses("from shelf.high import four_times") == {
        "shelf.low._twice",
        "shelf.high.four_times",
        "shelf.high._half",
    }
    assert standalone.modules_used(shelf.folder / "plot_it.py", shelf.folder, "shelf") == {
        "shelf.low",
        "shelf.high",
    }


def test_the_copy_says_where_it_comes_from_and_under_which_licence(shelf: Shelf) -> None:
    shelf.modules(a="def f():\n    return 1\n")
    text = shelf.same("from shelf.a import f\nprint(f())\n")
    head = [line for line in text.splitlines() if line.startswith("#")]
    assert head[0].startswith("# What follows is copied from shelf 3.2.1 (BSD-3-Clause)")
    assert head[1] == "# --- from shelf.a ---"


def test_docstrings_and_comments_are_kept(shelf: Shelf) -> None:
    shelf.modules(
        a='''
        """The module's own docstring stays behind."""

        # Far away.

        # The reason,
        # in two lines.
        LIMIT = 3  # beside

        """A string after it documents it."""

        # About f.
        def f(x):
            """Say what.

            In lines.
            """
            # inside — with ünïcödé
            return min(x, LIMIT)
            # at the end

        # Not about f.
        OTHER = 1
        '''
    )
    text = shelf.same("from shelf.a import f\nprint(f(5), f.__doc__)\n")
    for part in (
        "# The reason,\n# in two lines.\nLIMIT = 3  # beside\n",
        '"""A string after it documents it."""',
        "# About f.\ndef f(x):",
        "    # inside — with ünïcödé\n",
        "    # at the end\n",
    ):
        assert part in text
    assert "stays behind" not in text
    assert "Far away" not in text
    assert "Not about f" not in text


# Modules, each between two lines of dashes; ``f()`` shows what is in them.
FORMS = """
A: int = 3
def f():
    return A
---
A, B = 1, 2
def f():
    return A
---
A = B = [1]
B.append(2)
def f():
    return A
---
(A, *B), C = (1, 2, 3), 4
def f():
    return B
---
A = 1
A += 2
A = A * 5
def f():
    return A
---
A = {}
A['x'] = 1
A.update(y=2)
A['z'] = A
del A['x']
def f():
    return sorted(A)
---
A = []
for i in range(3):
    A.append(i)
def f():
    return A
---
A = {}
for _n, _v in {'x': 1}.items():
    A[_n] = _v
def f():
    return A
---
if True:
    A = 1
else:
    A = 2
def f():
    return A
---
A = [(y := 5), y]
def f():
    return y
---
A = [z := k for k in range(4)]
def f():
    return z
---
A = 1; B = A + 1
def f():
    return B
---
from collections import OrderedDict as Table
A = Table(x=1)
def f():
    return A['x']
---
import os.path
def f():
    return os.path.basename('a/b')
---
import os.path as p
def f():
    return p.basename('a/b')
---
class K:
    pass
K.x = 4
def f():
    return K.x
---
def g():
    return 0
g.calls = 7
def f():
    return g.calls
---
N = 0
def f():
    global N
    N += 1
    return N
---
def f():
    global LATE
    LATE = 3
    return g()
def g():
    return LATE
---
f = lambda x=1: helper(x)
def helper(x):
    return x + 1
---
def f():
    return [helper(i) for i in range(3)]
def helper(x):
    return x + 1
---
import functools
@functools.cache
def f():
    return helper()
def helper():
    return 1
---
def deco(g):
    return lambda: g() + 1
@deco
def f():
    return 1
---
D = 4
def f(x=D):
    return x
---
class Base:
    x = 1
class Sub(Base):
    y = 2
def f():
    return Sub.x
---
def make(n):
    return n
X = make(n=3)
def f():
    return X
---
def relu(x):
    return x
class K:
    relu = staticmethod(relu)
def f():
    return K.relu(2)
---
def f():
    class K:
        y = V
    return K.y
V = 8
---
match (1, 2):
    case (a, b):
        pass
def f():
    return b
---
with open(__import__('os').devnull) as file:
    T = file.read()
def f():
    return repr(T)
---
try:
    import no_such_package as nsp
except ImportError:
    nsp = None
def f():
    return nsp
---
assert 1 < 2
def f():
    return 1
---
T = True and 3
def f():
    return f'{T:>{W}}'
W = 5
---
a = b = 1
del a
def f():
    return b
---
import sys
if sys.version_info > (3,):
    def g():
        return 1
else:
    g = None
def f():
    return g()
---
try:
    from math import nothing
except ImportError:
    def nothing():
        return W
W = 2
def f():
    return nothing()
---
class K:
    xs = []
    xs.append(3)
    for x in (1, 2):
        xs.append(x)
def f():
    return K.xs
---
from collections import namedtuple
P = namedtuple('P', 'x y')
def f():
    return P(1, 2)
---
import enum
class E(enum.Enum):
    A = 1
    B = enum.auto()
def f():
    return E.B
---
def counter():
    n = 0
    def g():
        nonlocal n
        n += S
        return n
    return g
S = 2
f = counter()
---
import contextlib
@contextlib.contextmanager
def c():
    yield V
V = 1
def f():
    with c() as v:
        return v
---
A = [1]
B = A
B.append(2)
C, D = (lambda q=A: q), A
def f():
    return C(), D
---
A = dict(x=1)
A |= {'y': 2}
def f():
    return A
---
class M(type):
    def __new__(m, n, b, d):
        SEEN.append(n)
        return super().__new__(m, n, b, d)
SEEN = []
class A(metaclass=M): ...
def f():
    return SEEN
---
def note(name, into=None):
    NOTES[name] = into
NOTES = {}
note('a')
note('b', 1)
def f():
    return NOTES
---
async def g():
    return [x async for x in h()]
async def h():
    yield V
V = 4
def f():
    import asyncio
    return asyncio.run(g())
---
async def g():
    return V
V = 2
def f():
    import asyncio
    return asyncio.run(g())
"""


@pytest.mark.parametrize("module", FORMS.strip("\n").split("\n---\n"))
def test_all_forms_of_definitions_are_copied(shelf: Shelf, module: str) -> None:
    shelf.modules(a=module)
    shelf.same("from shelf.a import f\nprint(f())\n")


def test_dataclasses_named_tuples_protocols_and_overloads_are_copied_whole(shelf: Shelf) -> None:
    shelf.modules(
        a="""
        from __future__ import annotations

        from dataclasses import dataclass, field
        from typing import TYPE_CHECKING, NamedTuple, Protocol, overload

        if TYPE_CHECKING:
            from collections.abc import Callable

            Maker = Callable[[int], "Point"]

        class Sized(Protocol):
            def size(self) -> int: ...

        class Point(NamedTuple):
            x: int
            y: int = 0

        @dataclass(frozen=True, order=True)
        class Line:
            start: Point
            points: list[Point] = field(default_factory=list)

            def size(self) -> int:
                return len(self.points)

        @overload
        def measure(thing: Sized) -> int: ...
        @overload
        def measure(thing: None = ...) -> None: ...
        def measure(thing=None):
            return thing and thing.size()

        def make(maker: Maker, n: int) -> Line:
            return Line(maker(n), [maker(1)])
        """
    )
    text = shelf.same(
        "from shelf.a import Point, make, measure\n"
        "line = make(lambda n: Point(n), 3)\nprint(line.points, measure(line), measure())\n"
    )
    assert text.count("@overload") == 2
    assert "class Sized(Protocol)" in text
    assert "if TYPE_CHECKING:\n    from collections.abc import Callable\n" in text
    assert "if TYPE_CHECKING:\n    Maker = " in text
    assert "from __future__ import annotations" in text


def test_annotations_written_as_strings_count_but_literals_do_not(shelf: Shelf) -> None:
    shelf.modules(
        a="""
        from typing import Annotated, Literal, Optional

        def make(kind: Literal["Apple"], n: Annotated[int, "Pear"]) -> Optional["Cherry"]:
            return None

        class Apple: ...
        class Pear: ...
        class Cherry: ...
        """
    )
    script = "from shelf.a import make\nprint(make('Apple', 1))\n"
    shelf.same(script)
    assert shelf.uses(script) == {"shelf.a.make", "shelf.a.Cherry"}


def test_registries_keep_their_entries(shelf: Shelf) -> None:
    shelf.modules(
        a="""
        TABLE = {}

        def register(name):
            def add(function):
                TABLE[name] = function
                return function
            return add

        @register("one")
        def one():
            return 1

        class Plugin:
            known = []

            def __init_subclass__(cls):
                KNOWN.append(cls.__name__)

        KNOWN = []

        class First(Plugin): ...
        """,
        b="""
        from shelf.a import register

        @register("two")
        def two():
            return 2
        """,
    )
    shelf.same("import shelf.b as b\nfrom shelf.a import TABLE\nprint(sorted(TABLE), b.two())\n")
    shelf.same("from shelf.a import KNOWN\nprint(KNOWN)\n")


def test_single_dispatch_keeps_its_cases(shelf: Shelf) -> None:
    shelf.modules(
        a="""
        from functools import singledispatch

        @singledispatch
        def show(x):
            return "thing"

        @show.register
        def _(x: int):
            return "int"

        @show.register(str)
        def _(x):
            return "str"
        """
    )
    shelf.same("from shelf.a import show\n_, y = 1, 2\nprint(show(1), show('a'), show(2.0), y)\n")


def test_a_change_through_another_name_is_kept(shelf: Shelf) -> None:
    shelf.modules(
        a="""
        TABLE = [1]
        other = TABLE
        other.append(2)
        for one in (TABLE,):
            one.append(3)

        def add(items):
            items.append(4)
            return len(items)

        SIZE = add(TABLE)
        """
    )
    shelf.same("from shelf.a import TABLE\nprint(TABLE)\n")


def test_a_change_made_by_another_module_is_kept(shelf: Shelf) -> None:
    shelf.modules(
        a="TABLE = []\n",
        b="""
        from shelf import a
        from shelf.a import TABLE

        TABLE.append(2)
        a.TABLE.append(3)
        X = 1
        """,
    )
    shelf.same("from shelf.b import X\nfrom shelf.a import TABLE\nprint(TABLE, X)\n")


def test_order_is_low_floors_first_and_the_modules_own_inside(shelf: Shelf) -> None:
    shelf.modules(
        checks="def check(x):\n    return x\n",
        maths="""
        from shelf.checks import check

        def square(x):
            return _times(x, x)

        def _times(x, y):
            return check(x) * y

        NINE = square(3)
        """,
        plots="""
        from shelf.checks import check
        from shelf.maths import NINE

        def draw():
            return check(NINE)
        """,
    )
    text = shelf.same(
        "from shelf.plots import draw\nfrom shelf.maths import square\nprint(draw(), square(2))\n"
    )
    assert in_order(
        text, "from shelf.checks", "from shelf.maths", "def square", "def _times", "NINE =",
        "from shelf.plots", "def draw",
    )  # fmt: skip


# -- imports from elsewhere ---------------------------------------------------------------------


def test_imports_are_merged_once_and_sorted(shelf: Shelf) -> None:
    shelf.modules(
        a="""
        from __future__ import annotations

        import math
        from collections.abc import Callable, Sequence
        import numpy as np
        import os.path

        def f(g: Callable[[float], float], xs: Sequence[float]) -> float:
            return float(np.sum([g(x) for x in xs])) + math.pi + len(os.path.sep)
        """,
        b="""
        import math
        from collections.abc import Iterable

        def g(x: Iterable) -> float:
            return math.e
        """,
    )
    text = shelf.same(
        '''"""Title."""

        import math

        import numpy as np

        from shelf.a import f
        from shelf.b import g

        print(f(math.sin, [1.0]), g(1), np.pi)
        '''.replace("\n        ", "\n")
    )
    assert (
        '"""Title."""\n\nfrom __future__ import annotations\n\nimport math\nimport os.path\n'
        "from collections.abc import Callable, Iterable, Sequence\n\nimport numpy as np\n\n# What"
    ) in text


def test_imports_that_the_script_has_above_are_not_repeated(shelf: Shelf) -> None:
    shelf.modules(a="import math\n\ndef f():\n    return math.pi\n")
    text = shelf.same("import math\n\nx = math.e\nfrom shelf.a import f\nprint(f(), x)\n")
    assert text.count("import math") == 1


def test_an_optional_package_in_two_modules_is_copied_once(shelf: Shelf) -> None:
    optional = "try:\n    import nothing_here as nh\nexcept ImportError:\n    nh = None\n"
    shelf.modules(
        a=f"{optional}\ndef f():\n    return nh\n", b=f"{optional}\ndef g():\n    return nh\n"
    )
    text = shelf.same("from shelf.a import f\nfrom shelf.b import g\nprint(f(), g())\n")
    assert text.count("nothing_here") == 1


def test_names_that_a_module_only_passes_on_are_traced_to_their_source(shelf: Shelf) -> None:
    shelf.modules(
        a="import math as m\n\ndef f(x):\n    return m.floor(x)\n",
        b="from shelf.a import f as floor_of\nfrom math import pi\n",
        c="from shelf.b import floor_of as fl, pi\n\ndef g():\n    return fl(pi)\n",
    )
    text = shelf.same(
        "from shelf.b import floor_of, pi\nfrom shelf.c import g\nprint(g(), floor_of(2.5), pi)\n"
    )
    assert "floor_of = f\n" in text
    assert "fl = f\n" in text
    assert text.count("def f(x)") == 1


# -- ways to import -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [
        "from shelf.a import f as g\nprint(g(1))\n",
        "from shelf.a import f as g, f\nprint(g(1), f(2))\n",
        "import shelf.a as act\nprint(act.f(1), act.C)\n",
        "import shelf.a\nprint(shelf.a.f(1))\n",
        "from shelf import a\nprint(a.f(1))\n",
        "from shelf import a as x\nprint((x\n    .f)(1), [x.f(i) for i in range(2)])\n",
        "from shelf import __version__\nprint(__version__)\n",
        "import shelf\nprint(shelf.__version__)\n",
        "from shelf.b import f\nprint(f(1))\n",
        "from shelf import a\ndef use(a_value):\n    return a.f(a_value)\nprint(use(3))\n",
        "from shelf import a\nclass K:\n    f = a.C\nprint(K.f)\n",
        "from shelf.a import (  # why\n    C,\n    f,  # because\n)\nprint(f(C))\n",
        "import math\nfrom shelf.a import f; from shelf.a import C\nprint(f(C), math.pi)\n",
        "import math, shelf.a as act\nprint(act.f(1), math.pi)\n",
        "x = 1\nfrom shelf.a import f\nprint(f(x))\n",
        "from shelf.a import f\nx = 1\nfrom shelf.a import C as limit\nprint(f(x), limit)\n",
        "from shelf.sub.deep import h\nprint(h())\n",
        "from shelf.a import f\nf = f(1)\nprint(f)\n",
        "from shelf.a import f as g\nf = 9\nprint(f, g(1))\n",
        "import shelf.a as act\nprint(f'{act.f(1)} {act.C:>{act.C}}')\n",
        "import shelf.a as act\nprint(act.C); print(act.f(2))\n",
        "import shelf.a as act\nx = 'ü'; print(x, act.f(1), act.f(2), '—', act.C)\n",
        "from shelf.a import f\n\nif __name__ == '__main__':\n    print(f(1))\n",
        "from shelf.a import outer\nouter = outer()\nprint(outer)\n",
    ],
)
def test_all_ways_to_import_give_the_same_output(shelf: Shelf, script: str) -> None:
    shelf.modules(
        a="C = 5\n\ndef f(x):\n    return x + 1\n\ndef outer():\n    return f(C)\n",
        b="from .a import f\nfrom . import a\n",
        sub__deep="from ..a import f\nfrom .other import k as kk\n\ndef h():\n    return f(kk())\n",
        sub__other="def k():\n    return 10\n",
    )
    text = shelf.same(script)
    assert not re.search(r"^\s*(from|import) shelf", text, re.MULTILINE)


def test_modules_of_the_package_may_be_named_inside_it(shelf: Shelf) -> None:
    shelf.modules(
        a="C = 5\n\ndef f(x):\n    return x\n",
        b="""
        import shelf.a as low
        from shelf import a
        import shelf.a

        def g(x=low.C):
            return low.f(x) + a.f(x) + shelf.a.f(1)

        class K:
            def a(self):
                return low.f(1)
        """,
    )
    text = shelf.same("from shelf.b import K, g\nprint(g(), K().a())\n")
    assert "def g(x=C):\n    return f(x) + f(x) + f(1)" in text


def test_the_scripts_own_text_stays_where_it_is(shelf: Shelf) -> None:
    shelf.modules(a="def f(x):\n    return x\n\n\ndef g(x):\n    return x\n")
    source = '''r"""
Größe
=====

Text with \\frac.
"""

# %%
# Words — before.

import math

from shelf.a import f

print(f("é"))  # beside

# %%
# Second block
# ------------

from shelf.a import g

print(g(math.floor(2.5)))


# %%
# The end.
'''
    text = shelf.same(source)
    kept = [line for line in source.splitlines() if line and "shelf" not in line]
    assert [line for line in text.splitlines() if line in kept] == kept
    copied = text[text.index("# What follows") : text.index("# --- end of what was copied")]
    assert "def f" in copied
    assert "def g" in copied
    assert "# %%" not in copied


def test_a_script_without_the_package_is_left_alone(shelf: Shelf) -> None:
    shelf.modules(a="")
    assert shelf.inline("import math\n\n\nprint(math.pi)") == "import math\n\n\nprint(math.pi)\n"
    assert shelf.uses("x = 1") == set()


def test_line_endings_and_byte_order_marks_do_not_matter(shelf: Shelf) -> None:
    shelf.modules(a="T = '''a\r\nb'''\r\ndef f():\r\n    return T\r\n".replace("\r\n", "\n"))
    path = shelf.folder / "shelf" / "a.py"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    text = shelf.same("from shelf.a import f\nprint(repr(f()))\n")
    assert "\r" not in text


def test_modules_that_import_each_other_are_ordered_where_an_order_exists(shelf: Shelf) -> None:
    shelf.modules(
        a="from shelf import b\n\ndef f(n):\n    return n and b.g(n - 1)\n",
        b="from shelf import a\n\ndef g(n):\n    return a.f(n)\n",
    )
    shelf.same("from shelf.a import f\nprint(f(3))\n")


def test_an_import_for_type_checking_may_go_in_a_circle(shelf: Shelf) -> None:
    shelf.modules(
        a="""
        from __future__ import annotations
        from shelf.b import Part

        class Whole(Part):
            pass
        """,
        b="""
        from __future__ import annotations
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            from shelf.a import Whole

        class Part:
            def whole(self) -> Whole | None:
                return None
        """,
    )
    shelf.same("from shelf.a import Whole\nprint(Whole().whole())\n")


def test_globals_may_be_handed_to_a_function_of_the_package(shelf: Shelf) -> None:
    shelf.modules(
        a="def names(space):\n    return sorted(n for n in space if n.startswith('test_'))\n"
    )
    shelf.same("def test_it(): ...\nfrom shelf.a import names\nprint(names(globals()))\n")


def test_a_main_guard_and_all_of_a_module_stay_behind(shelf: Shelf) -> None:
    shelf.modules(
        a='__all__ = ["f"]\n__all__ += ["g"]\n__all__.append("h")\n'
        "def f():\n    return 1\nif __name__ == '__main__':\n    print('never')\n"
    )
    text = shelf.same("from shelf.a import f\nprint(f())\n")
    assert "__all__" not in text
    assert "never" not in text


# -- what is refused ----------------------------------------------------------------------------

REFUSED: list[tuple[str, dict[str, str], str, str]] = [
    (
        "star import in the script",
        {"a": "def f(): ..."},
        "from shelf.a import *",
        r"plot_it\.py:1: a star import hides the names; write from shelf\.a import name",
    ),
    (
        "star import from elsewhere in the script",
        {"a": "def f(): ..."},
        "from shelf.a import f\nfrom math import *",
        r"plot_it\.py:2: a star import from math may hide copied names",
    ),
    (
        "star import in a module",
        {"a": "from math import *\ndef f():\n    return floor(1)"},
        "from shelf.a import f",
        r"a\.py:1: a star import hides names; import them by name",
    ),
    (
        "a name through a star import",
        {"a": "def f(): ...", "b": "from shelf.a import *"},
        "from shelf.b import f",
        r"b\.py:1: a star import hides where f comes from",
    ),
    (
        "a name that does not exist",
        {"a": "def relu(): ..."},
        "import math\nfrom shelf.a import rellu",
        r"plot_it\.py:2: shelf\.a has no name rellu; did you mean relu\?",
    ),
    (
        "a name that is elsewhere",
        {"a": "def relu(): ...", "b": ""},
        "from shelf.b import relu",
        r"shelf\.b has no name relu; did you mean shelf\.a\.relu\?",
    ),
    (
        "a module that does not exist",
        {"activations": ""},
        "from shelf.activation import relu",
        r"there is no module shelf\.activation; did you mean shelf\.activations\?",
    ),
    (
        "a relative import in the script",
        {"a": ""},
        "from .a import f",
        r"plot_it\.py:1: a relative import: a script is in no package",
    ),
    (
        "a relative import above the package",
        {"a": "from ...x import y\ndef f(): ..."},
        "from shelf.a import f",
        r"a relative import reaches above the package",
    ),
    (
        "an import inside a function of the script",
        {"a": "def f(): ..."},
        "def g():\n    from shelf.a import f\n    return f",
        r"plot_it\.py:2: shelf is imported inside a function or class; move the import to the top",
    ),
    (
        "a conditional import in the script",
        {"a": "def f(): ..."},
        "if True:\n    from shelf.a import f",
        r"plot_it\.py:2: shelf is imported under a condition; move the import to the top",
    ),
    (
        "an import tried in the script",
        {"a": "def f(): ..."},
        "try:\n    import shelf.a\nexcept ImportError:\n    pass",
        r"plot_it\.py:2: shelf is imported under a condition",
    ),
    (
        "an import inside a function of a module",
        {"a": "def f():\n    from shelf.b import g\n    return g", "b": "def g(): ..."},
        "from shelf.a import f",
        r"a\.py:2: shelf is imported inside a function; import it at the top of the module",
    ),
    (
        "a conditional import in a module",
        {"a": "if True:\n    from shelf.b import g\ndef f():\n    return g", "b": "def g(): ..."},
        "from shelf.a import f",
        r"a\.py:2: shelf is imported under a condition",
    ),
    (
        "getattr on a module",
        {"a": "def f(): ..."},
        "import shelf.a as act\nprint(getattr(act, 'f'))",
        r"plot_it\.py:2: the module shelf\.a is used as a value here; write from shelf\.a import",
    ),
    (
        "a module as a value in a module",
        {"a": "def f(): ...", "b": "from shelf import a\ndef g():\n    return vars(a)"},
        "from shelf.b import g",
        r"b\.py:3: the module shelf\.a is used as a value here",
    ),
    (
        "importlib in the script",
        {"a": "def f(): ..."},
        "import importlib\nfrom shelf.a import f\nm = importlib.import_module('shelf.a')",
        r"plot_it\.py:3: import_module\('shelf\.a'\) finds names when it runs",
    ),
    (
        "importlib with a variable in the script",
        {"a": "def f(): ..."},
        "from importlib import import_module\nname = 'shelf.a'\nm = import_module(name)",
        r"plot_it\.py:3: import_module\(name\) finds names when it runs",
    ),
    (
        "importlib in a module",
        {"a": "import importlib\ndef f():\n    return importlib.import_module('shelf.b')"},
        "from shelf.a import f",
        r"a\.py:3: import_module\('shelf\.b'\) finds names when it runs; write the names",
    ),
    (
        "globals in the script",
        {"a": "def f(): ..."},
        "from shelf.a import f\nprint(globals()['f'])",
        r"plot_it\.py:2: globals\(\) finds names when it runs",
    ),
    (
        "globals in a module",
        {"a": "def f():\n    return globals()['g']\ndef g(): ..."},
        "from shelf.a import f",
        r"a\.py:2: globals\(\) finds names when it runs",
    ),
    (
        "eval in a module",
        {"a": "def f():\n    return eval('g')\ndef g(): ..."},
        "from shelf.a import f",
        r"a\.py:2: eval\(\) finds names",
    ),
    (
        "sys.modules in the script",
        {"a": "def f(): ..."},
        "import sys\nfrom shelf.a import f\nprint(sys.modules['shelf.a'])",
        r"plot_it\.py:3: sys\.modules has no modules of a copy",
    ),
    (
        "sys.modules in a module",
        {"a": "import sys\ndef f():\n    return sys.modules[f.__module__]"},
        "from shelf.a import f",
        r"a\.py:3: sys\.modules has no modules of a copy",
    ),
    (
        "a module made when asked for",
        {"a": "def __getattr__(name):\n    return 1"},
        "from shelf.a import anything",
        r"shelf\.a\.anything is made when it is asked for \(__getattr__\)",
    ),
    (
        "__all__ as a value",
        {"a": "__all__ = ['f']\ndef f():\n    return __all__"},
        "from shelf.a import f",
        r"a\.py:3: __all__ of a module does not exist in a copy",
    ),
    (
        "__name__ as a value",
        {"a": "def f():\n    return __name__"},
        "from shelf.a import f",
        r"a\.py:2: __name__ means something else in a script",
    ),
    (
        "a name that nothing defines",
        {"a": "def f():\n    return nowhere"},
        "from shelf.a import f",
        r"a\.py:2: nothing in shelf\.a defines nowhere",
    ),
    (
        "a call for what it does",
        {"a": "import random\nrandom.seed(0)\ndef f(): ..."},
        "from shelf.a import f",
        r"a\.py:2: when shelf\.a is imported, this statement calls random\.seed",
    ),
    (
        "a setting of another package",
        {"a": "import os\nos.environ['A'] = '1'\ndef f(): ..."},
        "from shelf.a import f",
        r"a\.py:2: when shelf\.a is imported, this statement changes os for everybody",
    ),
    (
        "printing",
        {"a": "print('hello')\ndef f(): ..."},
        "from shelf.a import f",
        r"a\.py:1: when shelf\.a is imported, this statement calls print",
    ),
    (
        "a call of an own function for what it does",
        {"a": "def check(): ...\ncheck()\ndef f(): ..."},
        "from shelf.a import f",
        r"a\.py:2: when shelf\.a is imported, this statement calls check for what it does",
    ),
    (
        "a side effect in a module that is imported on the way",
        {"b": "import random\nrandom.seed(0)", "a": "import shelf.b\ndef f(): ..."},
        "from shelf.a import f",
        r"b\.py:2: when shelf\.b is imported, this statement calls random\.seed",
    ),
    (
        "a side effect inside a function that builds a constant",
        {"a": "import random\ndef g():\n    random.seed(1)\n    return 1\nX = g()\ndef f(): ..."},
        "from shelf.a import f",
        r"a\.py:5: when shelf\.a is imported, this statement calls g, and that random\.seed\(1\)",
    ),
    (
        "a call on what a call returns",
        {"a": "import logging\nlogging.getLogger('x').setLevel(1)\ndef f(): ..."},
        "from shelf.a import f",
        r"a\.py:2: when shelf\.a is imported, this statement calls logging\.getLogger",
    ),
    (
        "calls in a bare comprehension",
        {"a": "import math\n[math.sqrt(x) for x in (1, 2)]\ndef f(): ..."},
        "from shelf.a import f",
        r"a\.py:2: when shelf\.a is imported, this statement calls math\.sqrt",
    ),
    (
        "a change of another package whose result is kept",
        {"a": "import os\nX = os.environ.setdefault('A_B', '1')\ndef f(): ..."},
        "from shelf.a import f",
        r"a\.py:2: when shelf\.a is imported, this statement calls os\.environ\.setdefault",
    ),
    (
        "names made while importing",
        {"a": "def f(): ...\nglobals()['f'] = print"},
        "from shelf.a import f",
        r"a\.py:2: when shelf\.a is imported, this statement calls globals\(\)",
    ),
    (
        "another module patched",
        {"a": "def f(): ...", "b": "import shelf.a\nshelf.a.f = print\nX = 1"},
        "from shelf.a import f\nfrom shelf.b import X",
        r"b\.py:2: when shelf\.b is imported, this statement assigns shelf\.a\.f from outside",
    ),
    (
        "a name imported and defined",
        {"a": "def floor(x):\n    return 7\nfrom math import floor\ndef f():\n    return floor(1)"},
        "from shelf.a import f",
        r"a\.py:1: floor is imported and defined; rename one of them",
    ),
    (
        "the name of another package that copied code reads",
        {"a": "import math\ndef f():\n    return math.pi"},
        "from shelf.a import f\nmath = 3\nprint(f(), math)",
        r"plot_it\.py:2: math is bound here, but the code copied from shelf\.a imports math under",
    ),
    (
        "modules that need each other",
        {
            "a": "import shelf.b\nclass A:\n    x = shelf.b.B\nclass C: ...",
            "b": "import shelf.a\nclass B(shelf.a.C): ...",
        },
        "from shelf.a import A",
        r"shelf\.a and shelf\.b import each other",
    ),
    (
        "one private name in two modules",
        {
            "a": "def _h():\n    return 1\ndef f():\n    return _h()",
            "b": "def _h():\n    return 2\ndef g():\n    return _h()",
        },
        "from shelf.a import f\nfrom shelf.b import g",
        r"plot_it\.py:1: _h is shelf\.a\._h in shelf\.a and shelf\.b\._h in shelf\.b",
    ),
    (
        "one alias for two packages",
        {
            "a": "import math as m\ndef f():\n    return m.pi",
            "b": "import cmath as m\ndef g():\n    return m.pi",
        },
        "from shelf.a import f\nfrom shelf.b import g",
        r"m is math in shelf\.a and cmath in shelf\.b",
    ),
    (
        "an alias that the script uses for something else",
        {"a": "import math as m\ndef f():\n    return m.pi"},
        "import cmath as m\nfrom shelf.a import f\nprint(f(), m.pi)",
        r"plot_it\.py:1: m is cmath here and math in the copied code \(shelf\.a\)",
    ),
    (
        "a builtin that another module redefines",
        {
            "a": "def f(x):\n    return sum(x)",
            "b": "def sum(x):\n    return 0\ndef g():\n    return sum([1])",
        },
        "from shelf.a import f\nfrom shelf.b import g",
        r"sum is Python's own sum in shelf\.a and shelf\.b\.sum in shelf\.b",
    ),
    (
        "a builtin of the script that a helper redefines",
        {"b": "def sum(x):\n    return 0\ndef g():\n    return sum([1])"},
        "from shelf.b import g\nprint(sum([1]), g())",
        r"plot_it\.py:2: sum is Python's own here and shelf\.b\.sum in the copied code",
    ),
    (
        "shadowing by an import",
        {"a": "def floor(x):\n    return 7\ndef f():\n    return floor(1)"},
        "from shelf.a import f, floor\nfrom math import floor\nprint(f(), floor(1.5))",
        r"plot_it\.py:2: floor is imported from shelf\.a\.floor and from math\.floor",
    ),
    (
        "a helper hidden by an import of the script",
        {"a": "def floor(x):\n    return 7\ndef f():\n    return floor(1)"},
        "from math import floor\nfrom shelf.a import f\nprint(f(), floor(1.5))",
        r"plot_it\.py:1: floor is math\.floor here and shelf\.a\.floor in the copied code",
    ),
    (
        "one name from two modules",
        {"a": "def f():\n    return 1", "b": "def f():\n    return 2"},
        "from shelf.a import f\nfrom shelf.b import f",
        r"plot_it\.py:2: f is imported twice, from different places",
    ),
    (
        "an alias that is a helper's name",
        {"a": "def g():\n    return 1\ndef f():\n    return g()\ndef h():\n    return 3"},
        "from shelf.a import f, h as g\nprint(f(), g())",
        r"plot_it\.py:1: g is shelf\.a\.h here and shelf\.a\.g in the copied code",
    ),
    (
        "an import that cannot move up",
        {"a": "def f():\n    return 1\ndef g():\n    return 2"},
        "from shelf.a import f\ng = 5\nprint(g)\nfrom shelf.a import g\nprint(f(), g())",
        r"plot_it\.py:4: g is already used in line 2; move this import to the top",
    ),
    (
        "a helper hidden in a qualified use",
        {"a": "def f():\n    return 1"},
        "import shelf.a as act\ndef use(f):\n    return act.f()\nprint(use(1))",
        r"plot_it\.py:3: shelf\.a\.f meets another f in this function; write from shelf\.a import",
    ),
    (
        "a name hidden in a qualified use of a module",
        {"a": "def f(): ...", "b": "from shelf import a\ndef g():\n    f = a.f()\n    return f"},
        "from shelf.b import g",
        r"b\.py:3: cannot write shelf\.a\.f shorter here; write from … import f above",
    ),
    (
        "a module patched by the script",
        {"a": "def f():\n    return 1"},
        "import shelf.a as act\nact.f = 3",
        r"plot_it\.py:2: shelf\.a\.f is assigned from outside its module",
    ),
    (
        "a line that starts a cell",
        {"a": "T = '''\n# %% no\n'''\ndef f():\n    return T"},
        "from shelf.a import f",
        r"a\.py:2: a line that starts with '# %%' would start a new cell",
    ),
    (
        "two statements on the line of an import",
        {"a": "def f():\n    return 1"},
        "from shelf.a import f; x = f()",
        r"plot_it\.py:1: this line holds another statement too; write two lines",
    ),
    (
        "a script that is not Python",
        {"a": ""},
        "x = 1\nfrom shelf.a import\n",
        r"plot_it\.py:2: not Python",
    ),
    (
        "a module that is not Python",
        {"a": "def f(:\n"},
        "from shelf.a import f",
        r"a\.py is not Python",
    ),
    (
        "annotations read in half of the code",
        {"a": "from __future__ import annotations\ndef f(x: int):\n    return x"},
        "from shelf.a import f\ndef g(x: int):\n    return x\nprint(g.__annotations__)",
        r"annotations are read when the script runs",
    ),
    (
        "a name imported in a circle",
        {"a": "from shelf.b import f", "b": "from shelf.a import f"},
        "from shelf.a import f",
        r"imports itself in a circle",
    ),
]


@pytest.mark.parametrize(
    ("modules", "script", "message"),
    [case[1:] for case in REFUSED],
    ids=[case[0].replace(" ", "-") for case in REFUSED],
)
def test_what_a_copy_would_change_is_refused_with_file_and_line(
    shelf: Shelf, modules: dict[str, str], script: str, message: str
) -> None:
    shelf.modules(**modules)
    with pytest.raises(StandaloneError, match=message) as caught:
        shelf.inline(script + "\n")
    assert re.match(r"plot_it\.py:\d+: ", str(caught.value))
    assert caught.value.line >= 1


@pytest.mark.parametrize(
    "binding",
    [
        "helper = 2",
        "helper: int = 2",
        "for helper in range(2): pass",
        "with open('/dev/null') as helper: pass",
        "[helper := i for i in range(2)]",
        "if (helper := 3): pass",
        "def helper(): return 2",
        "class helper: pass",
        "import math as helper",
        "from math import pi as helper",
        "try:\n    1 / 0\nexcept ZeroDivisionError as helper:\n    pass",
        "match 1:\n    case helper:\n        pass",
        "a, (helper, *b) = 1, (2, 3)",
        "def set_it():\n    global helper\n    helper = 1",
        "del helper",
        "x = helper = 3",
    ],
)
def test_a_script_may_not_rebind_what_copied_code_reads_later(shelf: Shelf, binding: str) -> None:
    shelf.modules(a="def helper():\n    return 1\n\ndef f():\n    return helper()\n")
    with pytest.raises(StandaloneError, match=r"plot_it\.py:\d+: helper is "):
        shelf.inline(f"from shelf.a import f\n{binding}\nprint(f())\n")
    with pytest.raises(StandaloneError, match=r"plot_it\.py:\d+: helper is "):
        shelf.inline(f"from shelf.a import f, helper\n{binding}\nprint(f())\n")


@pytest.mark.parametrize(
    "use",
    [
        "print([helper for helper in range(3)], f())",
        "def g(helper):\n    return helper\nprint(g(2), f())",
        "def g():\n    helper = 4\n    return helper\nprint(g(), f())",
        "print((lambda helper: helper)(3), f())",
        "class K:\n    helper = 4\nprint(K.helper, f())",
    ],
)
def test_a_local_variable_may_have_a_helpers_name(shelf: Shelf, use: str) -> None:
    shelf.modules(a="def helper():\n    return 1\n\ndef f():\n    return helper()\n")
    shelf.same(f"from shelf.a import f\n{use}\n")


def test_a_script_may_rebind_what_is_read_only_while_defining(shelf: Shelf) -> None:
    shelf.modules(a="SIZE = 3\nAREA = SIZE * SIZE\n\ndef f():\n    return AREA\n")
    shelf.same("from shelf.a import f\nSIZE = 100\nprint(f(), SIZE)\n")


def test_a_message_from_a_module_names_the_script_too(shelf: Shelf) -> None:
    shelf.modules(a="def f():\n    return nowhere\n")
    with pytest.raises(StandaloneError) as caught:
        shelf.inline("import math\n\nfrom shelf.a import f\n")
    assert str(caught.value).startswith("plot_it.py:3: cannot copy from shelf.a: ")
    assert str(shelf.folder / "shelf" / "a.py") in str(caught.value)


# -- what else the build asks -------------------------------------------------------------------


def test_the_fingerprint_follows_the_code_that_is_used(shelf: Shelf) -> None:
    script = "from shelf.a import f\nprint(f(1))\n"
    module = (
        'D = 1\ndef f(x):\n    """Doc."""\n    return g(x)\n\n'
        "def g(x):\n    return x + D\n\ndef h():\n    return 1\n"
    )

    def of(source: str) -> str:
        shelf.modules(a=source)
        return shelf.fingerprint(script)

    first = of(module)
    assert re.fullmatch(r"[0-9a-f]{64}", first)
    assert of(module.replace('"""Doc."""', '"""Another, longer."""')) == first
    assert of(module.replace("return g", "# why\n    return   g")) == first
    assert of(module.replace("    return 1\n", "    return 2\n")) == first
    assert of(module + "\ndef added():\n    return 0\n") == first
    assert of(module.replace("x + D", "x - D")) != first
    assert of(module.replace("D = 1", "D = 2")) != first
    assert of("import math\n" + module.replace("x + D", "x + math.pi")) != first


def test_direct_names_are_those_that_the_script_writes(shelf: Shelf) -> None:
    shelf.modules(a="C = 1\ndef f():\n    return C\n", b="from shelf.a import f\n")
    path = shelf.script(
        "import math\nfrom shelf.b import f as g\nfrom shelf import a\nprint(a.C, a.f(), g, math)\n"
    )
    assert standalone.direct_names(path, shelf.folder, "shelf") == [
        ("shelf.a.f", "g"),
        ("shelf.a.C", "a.C"),
        ("shelf.a.f", "a.f"),
    ]


def test_the_package_may_be_given_by_its_own_folder(shelf: Shelf) -> None:
    shelf.modules(a="def f():\n    return 1\n")
    source = "from shelf.a import f\n"
    for root in (shelf.folder, shelf.folder / "shelf"):
        text = standalone.inline(source, path="x.py", package_root=root, package="shelf")
        assert "def f" in text
    with pytest.raises(FileNotFoundError, match="no package shelf in"):
        standalone.inline(source, path="x.py", package_root=shelf.folder / "no", package="shelf")


def test_requirements_are_what_is_imported_and_not_brought_along() -> None:
    source = """
import os, torch.nn as nn
from matplotlib import pyplot
import numpy, cycler
from mpl_toolkits.mplot3d import Axes3D
def f():
    from sklearn import datasets
    return optional_package("thing.x", distribution="the-thing", purpose="")
"""
    names = standalone.requirements(source)
    assert names == ["torch", "matplotlib", "scikit-learn", "the-thing"]


def test_the_install_line_has_the_pinned_versions(tmp_path: Path) -> None:
    pins = tmp_path / "constraints.txt"
    pins.write_text("# pins\ntorch==2.1.0 ; x\nScikit-Learn==1.5\n")
    line = standalone.pip_install(["torch", "scikit-learn", "other"], pins)
    assert line == "pip install torch==2.1.0 scikit-learn==1.5 other"
    assert standalone.pip_install(["torch"], tmp_path / "none.txt") == "pip install torch"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (":func:`~handbook.activations.relu` is", "``relu`` is"),
        (":py:func:`handbook.activations.relu`", "``handbook.activations.relu``"),
        (":class:`a tensor <torch.Tensor>`", "``a tensor``"),
        (":ref:`the page\n<label>` here", "the page here"),
        (":doc:`/models/activations`", "activations"),
        (":term:`saturation`", "saturation"),
        (":cite:p:`glorot2010`", "glorot2010"),
        (":math:`x^2`", ":math:`x^2`"),
        ("``:func:`x```", "``:func:`x```"),
        (".. tip:: Try", ".. note:: Try"),
        (".. math::\n   :label: a\n\n   x", ".. math::\n\n   x"),
    ],
)
def test_roles_become_plain_text_in_a_notebook(text: str, wanted: str) -> None:
    assert standalone.readable(text) == wanted


def gallery_conf() -> dict[str, Any]:
    from sphinx_gallery.gen_gallery import DEFAULT_GALLERY_CONF

    return {**DEFAULT_GALLERY_CONF, "rst_link_targets": {}}


def test_the_cells_of_a_notebook_run_one_after_the_other(shelf: Shelf, tmp_path: Path) -> None:
    shelf.modules(
        a="""
        from __future__ import annotations

        def f(x: Later) -> int:
            return x + 1

        class Later: ...
        """
    )
    source = '''"""
Title — é
=========

See :func:`~shelf.a.f` and :math:`x^2`.
"""

# %%
# .. math:: y = x + 1

from shelf.a import f

print(f(1))

# %%
# Then.

def g(x: Undefined):
    return f(x)

print(g(2))
'''.replace("Undefined", "int")
    target = tmp_path / "standalone.py"
    target.write_text(shelf.inline(source), encoding="utf-8")
    made = json.loads(standalone.notebook(target, gallery_conf()))
    cells = [("".join(cell["source"]), cell["cell_type"]) for cell in made["cells"]]
    prose = "\n".join(text for text, kind in cells if kind == "markdown")
    assert "# Title — é" in prose
    assert "``f``" in prose
    assert "$x^2$" in prose
    assert ":func:" not in prose
    code = [text for text, kind in cells if kind == "code"]
    assert len(code) == 2
    printed = io.StringIO()
    namespace: dict[str, Any] = {"__name__": "__main__"}
    with contextlib.redirect_stdout(printed):
        for cell in code:
            exec(compile(cell, "cell", "exec", dont_inherit=True), namespace)
    assert printed.getvalue() == "2\n3\n"


def test_the_command_line_writes_a_file_or_says_why_not(shelf: Shelf) -> None:
    shelf.modules(a="def f():\n    return 'ü'\n")
    script = shelf.script("from shelf.a import f\nprint(f())\n")
    out = shelf.folder / "out.py"
    command = [
        sys.executable, str(ROOT / "docs/_ext/standalone.py"), str(script), "--package", "shelf",
        "--package-root", str(shelf.folder),
    ]  # fmt: skip
    subprocess.run([*command, "-o", str(out)], check=True)
    assert out.read_text(encoding="utf-8") == shelf.inline(script.read_text())
    script.write_text("from shelf.a import g\n")
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert "plot_it.py:1: shelf.a has no name g" in answer.stderr


# -- the footer ---------------------------------------------------------------------------------


def test_the_footer_takes_the_place_of_sphinx_gallerys() -> None:
    from sphinx_gallery import gen_rst

    theirs = (
        "text\n"
        + gen_rst.DOWNLOAD_LINKS_HEADER.format("auto_gallery_a_plot_x.py")
        + gen_rst.NOTEBOOK_DOWNLOAD.format("plot_x.ipynb")
        + gen_rst.CODE_DOWNLOAD.format("plot_x.py", "python")
        + gen_rst.ZIP_DOWNLOAD.format("plot_x.zip")
    )
    after, count = standalone.DOWNLOADS.subn("OURS", theirs + "\nAfter\n")
    assert count == 1
    assert after == "text\n\nOURSAfter\n"


def test_output_keeps_the_spaces_that_all_its_lines_begin_with() -> None:
    from docutils.core import publish_doctree
    from sphinx_gallery import gen_rst

    # sphinx-gallery's own form of output, which the replacement must find.
    block = gen_rst.CODE_OUTPUT.format("      1\n      2")
    assert standalone.SCRIPT_OUTPUT in block

    def shown(text: str) -> str:
        # docutils' own directives, with a language and an option that they know
        for theirs, plain in (
            ("rst-class", "class"),
            ("none", "text"),
            (":dedent: 0", ":class: x"),
        ):
            text = text.replace(theirs, plain)
        return publish_doctree(text).next_node(nodes.literal_block).astext()

    from docutils import nodes

    assert shown(block) == "1\n2"
    kept = block.replace(standalone.SCRIPT_OUTPUT, f"{standalone.SCRIPT_OUTPUT}    :dedent: 0\n")
    assert shown(kept) == "  1\n  2"


# -- the real gallery ---------------------------------------------------------------------------


@pytest.mark.parametrize("script", SCRIPTS, ids=[path.stem for path in SCRIPTS])
def test_every_gallery_script_can_be_made_to_run_alone(script: Path) -> None:
    source = script.read_text(encoding="utf-8")
    text = standalone.inline(source, path=script, package_root=ROOT)
    tree = ast.parse(text)
    compile(text, str(script), "exec", dont_inherit=True)
    for node in ast.walk(tree):
        sources = []
        if isinstance(node, ast.Import):
            sources = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            sources = [node.module or ""]
        assert not any(name.split(".")[0] == "handbook" for name in sources)
    assert text.count("# --- from handbook.") == len(standalone.modules_used(script))
    cells = re.findall(r"^# %%.*$", source, re.MULTILINE)
    assert re.findall(r"^# %%.*$", text, re.MULTILINE) == cells
    names = [name for name, _ in standalone.direct_names(script)]
    assert set(names) <= standalone.uses(script)
    assert re.fullmatch(r"[0-9a-f]{64}", standalone.fingerprint(script))
    assert {"torch", "matplotlib"} <= set(standalone.requirements(text))


@pytest.mark.parametrize("script", SCRIPTS, ids=[path.stem for path in SCRIPTS])
def test_every_gallery_script_becomes_a_notebook_without_roles(
    script: Path, tmp_path: Path
) -> None:
    target = tmp_path / script.name
    text = standalone.inline(script.read_text(encoding="utf-8"), path=script, package_root=ROOT)
    target.write_text(text, encoding="utf-8")
    made = json.loads(standalone.notebook(target, gallery_conf()))
    for cell in made["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            assert not re.search(r":[a-z:]+:`", source), source
        else:
            codeop.Compile()(source, "cell", "exec")
