"""The table of shapes on a page: made from the model, in three columns, loud where it fails."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
import torch
from bs4 import BeautifulSoup, Tag
from shape_tape import HEADINGS, measure
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

CONF = 'extensions = ["myst_parser", "shape_tape"]\nhtml_theme = "basic"\n'
TAPE = """\
# Page

```{shape-tape} nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), pool, nn.Flatten(), nn.Linear(1176, 9))
:input: torch.zeros(1, 1, 28, 28)

pool = nn.MaxPool2d(2)
```
"""


def build(folder: Path, page: str) -> tuple[list[str], Tag | None]:
    (folder / "conf.py").write_text(CONF, encoding="utf-8")
    (folder / "index.md").write_text(page, encoding="utf-8")
    warnings = io.StringIO()
    with docutils_namespace():
        out = str(folder / "_build")
        app = Sphinx(
            str(folder), str(folder), out, out, "html", status=io.StringIO(), warning=warnings
        )
        app.build()
    text = (folder / "_build" / "index.html").read_text(encoding="utf-8")
    table = BeautifulSoup(text, "html.parser").find("table", class_="shape-tape")
    plain = re.sub(r"\x1b\[[\d;]*m", "", warnings.getvalue())
    return [line for line in plain.splitlines() if "shape-tape" in line], table


def test_a_page_shows_every_layer_with_its_arithmetic(tmp_path: Path) -> None:
    warnings, table = build(tmp_path, TAPE)
    assert warnings == []
    assert table is not None
    assert [cell.get_text() for cell in table.find_all("th")] == list(HEADINGS)
    rows = [
        [" ".join(cell.get_text(" ").split()) for cell in row.find_all("td")]
        for row in table.find("tbody").find_all("tr")
    ]
    arithmetic = "⌊(28 + 2·2 − 5)/1⌋ + 1 = 28 6·(1·5·5 + 1) = 156 parameters"
    assert rows[0] == [
        "0 Conv2d",
        f"(1, 1, 28, 28) → (1, 6, 28, 28) {arithmetic}",
        "156",
    ]
    assert rows[1][2] == "–"
    assert rows[2][1] == "(1, 6, 14, 14) → (1, 1176) 6·14·14 = 1176"
    assert rows[-1] == ["Sequential", "(1, 1, 28, 28) → (1, 9)", "10,749"]


def test_repeated_and_unused_layers_are_shown(tmp_path: Path) -> None:
    page = """\
# Page

```{shape-tape} Twice()
:input: torch.zeros(2, 3)

class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.step, self.spare = nn.Linear(3, 3), nn.Linear(3, 1)
    def forward(self, x):
        return self.step(self.step(x))
```
"""
    warnings, table = build(tmp_path, page)
    assert warnings == []
    assert table is not None
    text = " ".join(table.get_text(" ").split())
    assert "step call 2 Linear" in text
    assert "spare Linear never called 4" in text


def test_a_model_alone_has_no_name(tmp_path: Path) -> None:
    _, table = build(tmp_path, "```{shape-tape} nn.Linear(3, 2)\n:input: torch.zeros(5, 3)\n```\n")
    assert table is not None
    assert table.find("tbody").find("td").get_text().strip() == "Linear"


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("```{shape-tape} nn.Linear(3, 2)\n```\n", "needs :input:, such as torch.zeros(1, 3, 32"),
        (
            "```{shape-tape} nn.Linear(3, 2)\n:input: torch.zeros(5, 4)\n```\n",
            "ValueError: Linear(in_features=3) got 4 features: use Linear(4, …)",
        ),
        ("```{shape-tape} lenet\n:input: torch.zeros(5)\n```\n", "NameError: name 'lenet' is not"),
    ],
)
def test_what_fails_is_a_warning_with_its_place(tmp_path: Path, page: str, message: str) -> None:
    (warning,), table = build(tmp_path, page)
    assert message in warning
    assert "index.md:1" in warning
    assert table is None


def test_the_generators_of_the_build_are_as_before() -> None:
    before = torch.get_rng_state()
    measure("nn.Linear(3, 2)", "torch.randn(5, 3)")
    assert torch.equal(torch.get_rng_state(), before)


# ---- the chapters -------------------------------------------------------------------------------

DOCS = Path(__file__).parents[1] / "docs"
FENCE = re.compile(r"^```\{shape-tape\} (.+)\n:input: (.+)\n((?:.*\n)*?)```$", re.MULTILINE)
TAPES = [
    pytest.param(*found.groups(), id=path.stem)
    for path in sorted(DOCS.glob("*/*.md"))
    for found in FENCE.finditer(path.read_text(encoding="utf-8"))
]
MOST_ROWS = 12  # more than a phone shows at once teaches nothing that these do not

# A network of 41 parameters stands there for any loss that an optimiser may get.
NOT_ABOUT_ITS_NETWORK = {"optimization/momentum_and_adam"}


@pytest.mark.parametrize(("model", "inputs", "body"), TAPES)
def test_the_tape_of_a_chapter_runs_explains_itself_and_is_short(
    model: str, inputs: str, body: str
) -> None:
    found = measure(model, inputs, body)
    assert found.n_parameters > 0
    assert not found.unused
    assert len(found.layers) <= MOST_ROWS
    for row in found.layers:
        assert row.arithmetic, f"{row.kind} is not explained"


def test_every_chapter_with_a_network_shows_its_tape() -> None:
    network = re.compile(
        r"\b(nn\.Sequential|nn\.RNN|nn\.LSTM|FullyConnected|LeNet|DeepRegressor"
        r"|SeriesForecaster|CharacterModel|Residual|Inception|fit_softmax_regression)\("
    )
    without = set()
    for path in DOCS.glob("*/*.md"):
        text = path.read_text(encoding="utf-8")
        page = path.relative_to(DOCS).with_suffix("").as_posix()
        if path.parent.name != "api" and network.search(text) and "{shape-tape}" not in text:
            without.add(page)
    assert without == NOT_ABOUT_ITS_NETWORK
