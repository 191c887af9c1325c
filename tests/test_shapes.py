"""The shape tape: equal to what hooks see, explained by closed forms, and without a trace."""

from __future__ import annotations

import copy
import random
import re
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from handbook import layers
from handbook.seeding import make_generator
from handbook.shapes import LayerShapes, Tape, shapes_text, tape


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=make_generator(seed))


def numbers(*shape: int) -> Tensor:
    return torch.randint(10, shape, generator=make_generator(0))


def lenet(n_features: int = 400) -> nn.Module:
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(1, 6, 5, padding=2), relu1=nn.ReLU(), pool1=nn.MaxPool2d(2),
            conv2=nn.Conv2d(6, 16, 5), relu2=nn.ReLU(), pool2=nn.MaxPool2d(2),
            flat=nn.Flatten(),
            head=nn.Sequential(nn.Linear(n_features, 120), nn.ReLU(), nn.Linear(120, 10)),
        )
    )  # fmt: skip


# ---- one layer: closed forms -------------------------------------------------------------------

# layer, inputs, lines of arithmetic
CLOSED_FORMS: list[tuple[nn.Module, tuple[Tensor, ...], tuple[str, ...]]] = [
    (nn.Linear(400, 10), (draw(2, 400),), ("400 features → 10", "10·(400 + 1) = 4010 parameters")),
    (
        nn.Linear(3, 2, bias=False), (draw(4, 5, 3),),
        ("3 features → 2", "2·3 = 6 parameters"),
    ),
    (nn.Linear(3, 2), (draw(3),), ("3 features → 2", "2·(3 + 1) = 8 parameters")),
    (
        nn.Bilinear(3, 4, 2), (draw(5, 3), draw(5, 4)),
        ("3 and 4 features → 2", "2·(3·4 + 1) = 26 parameters"),
    ),
    (
        nn.Conv2d(5, 10, 3), (draw(1, 5, 100, 100),),
        ("⌊(100 + 2·0 − 3)/1⌋ + 1 = 98", "10·(5·3·3 + 1) = 460 parameters"),
    ),
    (
        nn.Conv2d(3, 6, 5, padding=2), (draw(1, 3, 32, 32),),
        ("⌊(32 + 2·2 − 5)/1⌋ + 1 = 32", "6·(3·5·5 + 1) = 456 parameters"),
    ),
    (
        nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(2, 1), groups=2),
        (draw(4, 9, 7),),
        (
            "height: ⌊(9 + 2·1 − 2·(3 − 1) − 1)/2⌋ + 1 = 4",
            "width: ⌊(7 + 2·0 − 2)/1⌋ + 1 = 6",
            "6·(4/2·3·2 + 1) = 78 parameters",
        ),
    ),
    (
        nn.Conv1d(2, 3, 4, stride=2, bias=False), (draw(2, 2, 11),),
        ("⌊(11 + 2·0 − 4)/2⌋ + 1 = 4", "3·2·4 = 24 parameters"),
    ),
    (
        nn.Conv1d(2, 3, 5, padding="same", dilation=2), (draw(2, 2, 11),),
        ("padding 'same' keeps 11", "3·(2·5 + 1) = 33 parameters"),
    ),
    (
        nn.Conv3d(1, 2, 3, padding="valid"), (draw(1, 1, 5, 6, 7),),
        (
            "depth: ⌊(5 + 2·0 − 3)/1⌋ + 1 = 3",
            "height: ⌊(6 + 2·0 − 3)/1⌋ + 1 = 4",
            "width: ⌊(7 + 2·0 − 3)/1⌋ + 1 = 5",
            "2·(1·3·3·3 + 1) = 56 parameters",
        ),
    ),
    (
        nn.ConvTranspose2d(3, 4, 3, stride=2, padding=1, output_padding=1), (draw(1, 3, 5, 5),),
        ("(5 − 1)·2 − 2·1 + 3 + 1 = 10", "4·(3·3·3 + 1) = 112 parameters"),
    ),
    (
        nn.ConvTranspose1d(2, 4, 3, dilation=2, groups=2), (draw(1, 2, 5),),
        ("(5 − 1)·1 − 2·0 + 2·(3 − 1) + 1 = 9", "4·(2/2·3 + 1) = 16 parameters"),
    ),
    (nn.MaxPool2d(2), (draw(1, 3, 7, 7),), ("⌊(7 + 2·0 − 2)/2⌋ + 1 = 3",)),
    (nn.MaxPool2d(2, ceil_mode=True), (draw(1, 3, 7, 7),), ("⌈(7 + 2·0 − 2)/2⌉ + 1 = 4",)),
    (
        nn.MaxPool1d(2, stride=3, padding=1, ceil_mode=True), (draw(1, 1, 5),),
        ("⌈(5 + 2·1 − 2)/3⌉ + 1 − 1 = 2, as the last window would begin outside",),
    ),
    (
        nn.MaxPool1d(3, stride=1, dilation=2, return_indices=True), (draw(1, 1, 9),),
        ("⌊(9 + 2·0 − 2·(3 − 1) − 1)/1⌋ + 1 = 5",),
    ),
    (nn.AvgPool3d(2, stride=1), (draw(1, 1, 4, 4, 4),), ("⌊(4 + 2·0 − 2)/1⌋ + 1 = 3",)),
    (nn.LPPool2d(2, 2), (draw(1, 1, 5, 5),), ("⌊(5 + 2·0 − 2)/2⌋ + 1 = 2",)),
    (nn.AdaptiveAvgPool2d(1), (draw(1, 3, 7, 7),), ("7 → 1, the size asked for",)),
    (
        nn.AdaptiveMaxPool2d((None, 2)), (draw(1, 3, 7, 5),),
        ("height: 7 stays 7", "width: 5 → 2, the size asked for"),
    ),
    (nn.BatchNorm2d(3), (draw(1, 3, 4, 4),), ("same shape", "2·3 = 6 parameters")),
    (nn.BatchNorm1d(3, affine=False), (draw(4, 3),), ("same shape",)),
    (nn.LayerNorm((3, 4)), (draw(2, 3, 4),), ("same shape", "2·3·4 = 24 parameters")),
    (nn.LayerNorm(4, bias=False), (draw(2, 3, 4),), ("same shape", "4 parameters")),
    (nn.GroupNorm(2, 4), (draw(2, 4, 3),), ("same shape", "2·4 = 8 parameters")),
    (nn.InstanceNorm2d(3, affine=True), (draw(2, 3, 4, 4),), ("same shape", "2·3 = 6 parameters")),
    (nn.Flatten(), (draw(2, 16, 5, 5),), ("16·5·5 = 400",)),
    (nn.Flatten(0, -2), (draw(2, 16, 5),), ("2·16 = 32",)),
    (nn.Flatten(), (draw(2, 3),), ("same shape",)),
    (nn.Unflatten(1, (16, 5, 5)), (draw(2, 400),), ("400 = 16·5·5",)),
    (nn.Unflatten(-1, (-1, 5)), (draw(2, 20),), ("20 = 4·5",)),
    (
        nn.Embedding(100, 16), (numbers(4, 7),),
        ("each number becomes 16 numbers", "100·16 = 1600 parameters"),
    ),
    (
        nn.EmbeddingBag(100, 16), (numbers(4, 7),),
        ("each bag becomes 16 numbers", "100·16 = 1600 parameters"),
    ),
    (
        nn.RNN(10, 20), (draw(5, 3, 10),),
        (
            "output: 1·20 = 20 features", "state: 1·1 = 1 layers and directions",
            "20·(10 + 20 + 2) = 640 parameters",
        ),
    ),
    (
        nn.LSTM(10, 20, num_layers=2, bidirectional=True), (draw(5, 3, 10),),
        (
            "output: 2·20 = 40 features", "state: 2·2 = 4 layers and directions",
            "2·4·20·(10 + 20 + 2) + 2·4·20·(40 + 20 + 2) = 15040 parameters",
        ),
    ),
    (
        nn.LSTM(10, 20, num_layers=3, proj_size=5), (draw(5, 3, 10),),
        (
            "output: 1·5 = 5 features", "state: 1·3 = 3 layers and directions",
            "4·20·(10 + 5 + 2) + 5·20 + 2·(4·20·(5 + 5 + 2) + 5·20) = 3580 parameters",
        ),
    ),
    (
        nn.GRU(10, 20, bias=False, batch_first=True), (draw(3, 5, 10),),
        (
            "output: 1·20 = 20 features", "state: 1·1 = 1 layers and directions",
            "3·20·(10 + 20) = 1800 parameters",
        ),
    ),
    (
        nn.LSTMCell(10, 20), (draw(3, 10),),
        ("10 features → 20", "4·20·(10 + 20 + 2) = 2560 parameters"),
    ),
    (
        nn.MultiheadAttention(16, 4), (draw(5, 2, 16), draw(7, 2, 16), draw(7, 2, 16)),
        ("4 heads·4 = 16 features", "3·16·(16 + 1) + 16·(16 + 1) = 1088 parameters"),
    ),
    (
        nn.MultiheadAttention(16, 4, kdim=8, vdim=6, add_bias_kv=True),
        (draw(5, 2, 16), draw(7, 2, 8), draw(7, 2, 6)),
        ("4 heads·4 = 16 features", "16·(16 + 8 + 6 + 16 + 4) + 2·16 = 832 parameters"),
    ),
    (nn.Dropout(), (draw(2, 3),), ("same shape",)),
    (nn.GELU(), (draw(2, 3),), ("same shape",)),
    (nn.PReLU(), (draw(2, 3),), ("same shape", "1 parameter")),
    (nn.Softmax(dim=1), (draw(2, 3),), ("same shape",)),
    (nn.GLU(), (draw(2, 8),), ("8/2 = 4",)),
    (nn.Upsample(scale_factor=1.5), (draw(1, 2, 5, 5),), ("⌊5·1.5⌋ = 7",)),
    (nn.Upsample(size=9), (draw(1, 2, 5, 5),), ("5 → 9, the size asked for",)),
    (nn.PixelShuffle(2), (draw(1, 12, 4, 4),), ("channels: 12/(2·2) = 3", "4·2 = 8")),
    (nn.PixelUnshuffle(2), (draw(1, 3, 8, 8),), ("channels: 3·2·2 = 12", "8/2 = 4")),
    (
        nn.ZeroPad2d((1, 2, 3, 4)), (draw(1, 1, 5, 5),),
        ("height: 5 + 3 + 4 = 12", "width: 5 + 1 + 2 = 8"),
    ),
    (
        nn.Unfold(3, padding=1), (draw(1, 2, 5, 5),),
        ("numbers of a window: 2·3·3 = 18", "windows: 5·5 = 25"),
    ),
    (
        layers.Conv2d(5, 10, kernel_size=3), (draw(1, 5, 100, 100),),
        ("⌊(100 + 2·0 − 3)/1⌋ + 1 = 98", "10·(5·3·3 + 1) = 460 parameters"),
    ),
    (
        layers.Conv1d(4, 6, 3, padding="same", groups=2), (draw(4, 9),),
        ("padding 'same' keeps 9", "6·(4/2·3 + 1) = 42 parameters"),
    ),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize(("layer", "inputs", "lines"), CLOSED_FORMS, ids=lambda v: str(v)[:40])
def test_the_arithmetic_of_a_layer(
    layer: nn.Module, inputs: tuple[Tensor, ...], lines: tuple[str, ...]
) -> None:
    found = tape(layer, *inputs)
    (row,) = found.layers
    assert row.arithmetic == lines
    assert row.kind == type(layer).__name__
    assert row.parameters == found.n_parameters == sum(p.numel() for p in layer.parameters())
    assert row.output == shapes(layer.eval()(*inputs))


@pytest.mark.parametrize(("layer", "inputs", "lines"), CLOSED_FORMS, ids=lambda v: str(v)[:40])
def test_every_line_of_arithmetic_is_true(
    layer: nn.Module, inputs: tuple[Tensor, ...], lines: tuple[str, ...]
) -> None:
    for line in lines:
        if "=" not in line:
            continue
        left, right = line.rpartition(" = ")[::2]
        left = left.rpartition(": ")[2].replace("·", "*").replace("−", "-").replace("/2*", "//2*")
        left = left.replace("heads", "")
        left = re.sub(r"⌊(.+)⌋", r"math.floor(\1)", left)
        left = re.sub(r"⌈(.+)⌉", r"math.ceil(\1)", left)
        right = re.match(r"[\d·]+", right).group().replace("·", "*")  # type: ignore[union-attr]
        assert eval(f"{left} == {right}", {"math": __import__("math")}), line


def shapes(value: Any) -> Any:
    if isinstance(value, Tensor):
        return tuple(value.shape)
    if isinstance(value, (tuple, list)):
        return [shapes(entry) for entry in value if entry is not None]
    return {key: shapes(entry) for key, entry in value.items()}


# ---- a model: what hooks see -------------------------------------------------------------------


class Reused(nn.Module):
    """One layer called three times, and one whose weight another shares."""

    def __init__(self) -> None:
        super().__init__()
        self.step = nn.Linear(4, 4)
        self.twin = nn.Linear(4, 4)
        self.twin.weight = self.step.weight

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(3):
            x = torch.relu(self.step(x))
        return self.twin(x)


class TwoInputs(nn.Module):
    """Several inputs, one by name, and a dict of outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(3, 5), nn.Linear(2, 5)
        self.rnn = nn.GRU(5, 6, batch_first=True)

    def forward(self, x: Tensor, y: Tensor, scale: Tensor | None = None) -> dict[str, Any]:
        total = self.left(x) + self.right(y)
        if scale is not None:
            total = total * scale
        output, state = self.rnn(total[:, None])
        return {"logits": output[:, -1], "state": [state, (x, y)]}


class FunctionalLeNet(nn.Module):
    """Flattens between two layers, in its own forward."""

    def __init__(self, features: int = 400, view: tuple[int, ...] | None = None) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Linear(features, 10)
        self.view = view

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        return self.head(x.flatten(1) if self.view is None else x.view(self.view))


MODELS: list[tuple[Callable[[], nn.Module], tuple[Tensor, ...]]] = [
    (lenet, (draw(2, 1, 28, 28),)),
    (Reused, (draw(2, 4),)),
    (TwoInputs, (draw(2, 3), draw(2, 2), draw(2, 5))),
    (FunctionalLeNet, (draw(2, 1, 28, 28),)),
    (
        lambda: nn.TransformerEncoder(
            nn.TransformerEncoderLayer(8, 2, 16), 2, enable_nested_tensor=False
        ),
        (draw(5, 2, 8),),
    ),
    (
        lambda: nn.Transformer(8, 2, 1, 1, 16, batch_first=True),
        (draw(2, 5, 8), draw(2, 4, 8)),
    ),
]


@pytest.mark.parametrize("mode", [True, False])
@pytest.mark.parametrize(("make", "inputs"), MODELS)
def test_the_rows_are_what_forward_hooks_see(
    make: Callable[[], nn.Module], inputs: tuple[Tensor, ...], mode: bool
) -> None:
    model = make().train(mode)
    found = tape(model, *inputs)
    names = {module: name for name, module in model.named_modules()}
    ended: list[tuple[str, Any]] = []
    for module in names:
        module.register_forward_hook(lambda m, i, o: ended.append((names[m], shapes(o))))
    model(*inputs)
    key = lambda entry: (entry[0], str(entry[1]))  # noqa: E731
    assert sorted(((r.name, r.output) for r in found.rows), key=key) == sorted(ended, key=key)
    assert found.n_parameters == sum(p.numel() for p in model.parameters())
    used = sum(row.parameters for row in found.rows)
    assert used + sum(number for *_, number in found.unused) == found.n_parameters


def test_a_nested_model_names_each_layer_and_its_containers() -> None:
    found = tape(lenet(), draw(2, 1, 28, 28))
    assert [row.name for row in found.rows][-4:] == ["head", "head.0", "head.1", "head.2"]
    assert found["head"].is_container
    assert found["head.0"].depth == 2
    assert [row.name for row in found.layers][-3:] == ["head.0", "head.1", "head.2"]
    assert (found["head"].input, found["head"].output) == ((2, 400), (2, 10))
    assert found["flat"].arithmetic == ("16·5·5 = 400",)


def test_a_layer_called_three_times_has_three_rows_and_its_parameters_once() -> None:
    found = tape(Reused(), draw(2, 4))
    assert [row.label for row in found.layers] == [
        "step", "step (call 2)", "step (call 3)", "twin",
    ]  # fmt: skip
    assert [row.parameters for row in found.layers] == [20, 0, 0, 4]
    assert found.n_parameters == 24
    assert found.layers[1].arithmetic[-1] == "its parameters are counted at its first call"
    assert found.layers[3].arithmetic[-1] == (
        "4·(4 + 1) = 20 parameters, of which 16 are shared and counted above"
    )


def test_tied_layers_are_counted_once() -> None:
    model = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False))
    model[1].weight = model[0].weight
    found = tape(model, draw(1, 3))
    assert [row.parameters for row in found.layers] == [9, 0]
    assert found.layers[1].arithmetic[-1] == "its parameters are shared with '0' and counted there"
    assert found.n_parameters == 9


def test_several_inputs_and_a_dict_of_outputs() -> None:
    found = tape(TwoInputs(), draw(2, 3), draw(2, 2), scale=draw(2, 5))
    top = found.rows[0]
    assert top.input == [(2, 3), (2, 2), {"scale": (2, 5)}]
    assert top.output == {"logits": (2, 6), "state": [(1, 2, 6), [(2, 3), (2, 2)]]}
    assert found["rnn"].output == [(2, 1, 6), (1, 2, 6)]
    assert "logits: (2, 6)" in str(found)


def test_inputs_may_all_come_by_name() -> None:
    found = tape(TwoInputs(), y=draw(2, 2), x=draw(2, 3))
    assert found.rows[0].input == {"y": (2, 2), "x": (2, 3)}
    assert tape(nn.Linear(3, 2), input=draw(5, 3)).rows[0].output == (5, 2)
    assert tape(nn.Sequential(nn.Linear(3, 2)), input=draw(5, 3)).rows[0].output == (5, 2)
    assert tape(FunctionalLeNet(), input=draw(1, 1, 28, 28)).rows[0].output == (1, 10)


def test_a_reshaping_in_the_forward_is_explained_at_the_next_layer() -> None:
    found = tape(FunctionalLeNet(), draw(2, 1, 28, 28))
    assert found["head"].arithmetic[0] == "16·5·5 = 400 features"


def test_samples_that_a_view_has_mixed_are_told() -> None:
    found = tape(FunctionalLeNet(200, view=(-1, 200)), draw(2, 1, 28, 28))
    assert found["head"].arithmetic[0] == "2·16·5·5 = 4·200: 2 samples have become 4"


def test_an_unused_layer_is_told() -> None:
    model = FunctionalLeNet()
    model.auxiliary = nn.Linear(7, 3)
    found = tape(model, draw(2, 1, 28, 28))
    assert found.unused == (("auxiliary", "Linear", 24),)
    assert found.totals().endswith("; never called: auxiliary Linear, 24 parameters")
    assert "| auxiliary Linear | never called | | 24 | |" in found.markdown()


def test_a_layer_of_another_s_name_is_not_explained_by_that_formula() -> None:
    class Conv2d(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.kernel_size, self.stride, self.padding, self.dilation = 3, 1, 0, 1
            self.scale = nn.Parameter(torch.ones(5, 2))

        def forward(self, x: Tensor) -> Tensor:
            return x[..., ::2, ::2]

    row = tape(Conv2d(), draw(1, 1, 8, 8)).rows[0]
    assert row.output == (1, 1, 4, 4)
    assert row.arithmetic == ("5·2 = 10 parameters",)


def test_lazy_layers_are_measured_and_stay_lazy() -> None:
    model = nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(5))
    found = tape(model, draw(2, 3, 6, 6))
    assert [row.kind for row in found.layers] == ["Conv2d", "BatchNorm2d", "Flatten", "Linear"]
    assert found.n_parameters == 4 * 28 + 8 + 5 * 65
    assert isinstance(model[3], nn.LazyLinear)
    assert model[3].has_uninitialized_params()
    assert model(draw(2, 1, 5, 5)).shape == (2, 5)  # another size is still free to choose


def test_a_parametrized_layer_is_one_layer() -> None:
    model = nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(3, 2)))
    before = copy.deepcopy(model.state_dict())
    found = tape(model, draw(5, 3))
    assert [row.kind for row in found.layers] == ["ParametrizedLinear"]
    assert found.layers[0].arithmetic == ("3 features → 2", "2·(3 + 1) = 8 parameters")
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


def test_a_shape_beside_a_tensor_is_an_argument_like_any_other() -> None:
    found = tape(nn.ConvTranspose2d(1, 1, 3, stride=2), draw(1, 1, 4, 4), [10, 10])
    assert found.rows[0].output == (1, 1, 10, 10)
    assert found.rows[0].arithmetic[0] == "(4 − 1)·2 − 2·0 + 3 + 1 = 10"


def test_branches_that_do_not_fit_together_are_told_with_the_layer_before() -> None:
    class Branches(nn.Module):
        def __init__(self, cut: int) -> None:
            super().__init__()
            self.cut, self.a, self.b = cut, nn.Conv2d(3, 4, 1), nn.Conv2d(3, 6, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([self.a(x), self.b(x)[..., self.cut :]], dim=1)

    assert tape(Branches(0), draw(1, 3, 8, 8)).rows[0].output == (1, 10, 8, 8)
    with pytest.raises(ValueError, match=r"failed after layer 'b' Conv2d → \(1, 6, 8, 8\)"):
        tape(Branches(1), draw(1, 3, 8, 8))


def test_a_packed_sequence_goes_in() -> None:
    packed = nn.utils.rnn.pack_padded_sequence(draw(4, 2, 3), torch.tensor([4, 2]))
    found = tape(nn.LSTM(3, 5), packed)
    assert found.rows[0].input[0] == (6, 3)
    assert found.rows[0].output[1] == [(1, 2, 5), (1, 2, 5)]


def test_the_meta_device_measures_without_memory() -> None:
    with torch.device("meta"):
        model, x = nn.Linear(10**5, 10**6), torch.zeros(10**4, 10**5)
    assert tape(model, x).n_parameters == 10**6 * (10**5 + 1)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_dtypes_and_devices(dtype: torch.dtype, device: torch.device) -> None:
    model = lenet().to(device=device, dtype=dtype)
    assert tape(model, draw(1, 1, 28, 28).to(model[0].weight)).rows[0].output == (1, 10)


def test_an_empty_batch_and_a_batch_of_one() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    assert tape(model, draw(0, 3)).rows[0].output == (0, 4)
    assert tape(model, draw(1, 3)).rows[0].output == (1, 4)
    assert model.training


# ---- no trace ----------------------------------------------------------------------------------


class Hoarder(nn.Module):
    """Draws from every generator, works in place, and remembers what it saw."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(4)
        self.drop = nn.Dropout(0.5)
        self.register_buffer("seen", torch.zeros(()))
        self.generator = make_generator(5)
        self.log: list[int] = []
        self.derived = self.norm.weight * 2  # not a leaf: deepcopy alone would refuse it

    def forward(self, x: Tensor) -> Tensor:
        self.seen += len(x)
        self.log.append(len(x))
        random.random()
        np.random.random()  # noqa: NPY002
        noise = torch.randn(x.shape, generator=self.generator) + torch.randn(x.shape)
        with torch.no_grad():
            self.norm.bias.add_(1)
        return F.relu(self.drop(self.norm(x.add_(noise))), inplace=True) * self.derived


@pytest.mark.parametrize("mode", [True, False])
def test_the_model_its_generators_and_the_input_are_as_before(mode: bool) -> None:
    model = Hoarder().train(mode)
    model.drop.eval()
    calls: list[int] = []
    model.norm.register_forward_hook(lambda *_: calls.append(1))
    x = draw(6, 4)
    state = copy.deepcopy(model.state_dict())
    hooks = [
        (dict(m._forward_hooks), dict(m._forward_pre_hooks), m.training) for m in model.modules()
    ]
    generators = (
        torch.get_rng_state(), random.getstate(), str(np.random.get_state()),  # noqa: NPY002
        model.generator.get_state(),
    )  # fmt: skip
    found = tape(model, x)
    assert found.rows[0].output == (6, 4)
    assert torch.equal(x, draw(6, 4))
    assert model.log == []
    for name, value in model.state_dict().items():
        assert torch.equal(value, state[name]), name
    assert hooks == [
        (dict(m._forward_hooks), dict(m._forward_pre_hooks), m.training) for m in model.modules()
    ]
    assert torch.equal(torch.get_rng_state(), generators[0])
    assert random.getstate() == generators[1]
    assert str(np.random.get_state()) == generators[2]  # noqa: NPY002
    assert torch.equal(model.generator.get_state(), generators[3])
    assert all(p.grad is None for p in model.parameters())


def test_a_failure_leaves_no_trace_either() -> None:
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(), nn.Linear(4, 2))
    state, rng = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    with pytest.raises(ValueError, match="got 3 features"):
        tape(model, draw(5, 3))
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), rng)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_gradients_inside_the_forward_are_allowed() -> None:
    class Slope(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(2, 1)

        def forward(self, x: Tensor) -> Tensor:
            return torch.autograd.grad(self.inner(x).sum(), x)[0]

    assert tape(Slope(), draw(5, 2).requires_grad_()).rows[0].output == (5, 2)


# ---- what does not fit -------------------------------------------------------------------------


def small(layer: nn.Module) -> nn.Module:
    return nn.Sequential(OrderedDict(body=nn.Sequential(nn.Identity(), layer)))


@pytest.mark.parametrize(
    ("model", "x", "message"),
    [
        (
            lenet(256), draw(2, 1, 28, 28),
            ("layer 'head.0' Linear(in_features=256) got 400 features; 16·5·5 = 400: "
            "use Linear(400, …)"),
        ),
        (
            FunctionalLeNet(256), draw(2, 1, 28, 28),
            ("layer 'head' Linear(in_features=256) got 400 features; 16·5·5 = 400: "
            "use Linear(400, …)"),
        ),
        (
            FunctionalLeNet(256, view=(-1, 256)), draw(2, 1, 28, 28),
            ("FunctionalLeNet got (2, 1, 28, 28) and failed after layer 'pool (call 2)' "
            "MaxPool2d → (2, 16, 5, 5), which is 16·5·5 = 400 numbers for each sample: shape "
            "'[-1, 256]' is invalid for input of size 800"),
        ),
        (nn.Linear(3, 2), draw(5, 4), "Linear(in_features=3) got 4 features: use Linear(4, …)"),
        (
            small(nn.Conv2d(3, 6, 5)), draw(1, 1, 28, 28),
            "layer 'body.1' Conv2d(in_channels=3) got 1 channels: use Conv2d(1, …)",
        ),
        (
            small(layers.Conv2d(3, 6, 5)), draw(1, 1, 28, 28),
            "layer 'body.1' Conv2d(in_channels=3) got 1 channels: use Conv2d(1, …)",
        ),
        (
            small(nn.Conv2d(3, 6, 5)), draw(2, 400),
            "layer 'body.1' Conv2d(in_channels=3) takes (N, C, H, W), got (2, 400)",
        ),
        (
            small(nn.Conv1d(3, 6, 5)), draw(2, 3, 4, 4),
            "layer 'body.1' Conv1d(in_channels=3) takes (N, C, L), got (2, 3, 4, 4)",
        ),
        (
            small(nn.Conv2d(3, 6, 5, padding=(1, 0))), draw(1, 3, 4, 4),
            ("layer 'body.1' Conv2d(kernel_size=(5, 5)) spans 5 cells, and the width that it got "
            "has 4 + 2·0 = 4: use a kernel of at most 4, or more padding"),
        ),
        (
            small(nn.Conv1d(3, 6, 3, dilation=3)), draw(1, 3, 6),
            ("layer 'body.1' Conv1d(kernel_size=(3,)) spans 3·(3 − 1) + 1 = 7 cells, and the "
            "length that it got has 6 + 2·0 = 6: use a kernel of at most 2, or more padding"),
        ),
        (
            small(nn.MaxPool2d(4)), draw(1, 3, 8, 3),
            ("layer 'body.1' MaxPool2d(kernel_size=4) spans 4 cells, and the width that it got has "
            "3 + 2·0 = 3: use a kernel of at most 3, or more padding"),
        ),
        (
            small(nn.BatchNorm2d(3)), draw(1, 4, 5, 5),
            "layer 'body.1' BatchNorm2d(num_features=3) got 4 channels: use BatchNorm2d(4, …)",
        ),
        (
            small(nn.GroupNorm(2, 6)), draw(1, 4, 5, 5),
            "layer 'body.1' GroupNorm(num_channels=6) got 4 channels: use GroupNorm(2, 4, …)",
        ),
        (
            small(nn.LayerNorm((5, 6))), draw(1, 4, 5),
            ("layer 'body.1' LayerNorm(normalized_shape=(5, 6)) got (1, 4, 5): the last sizes must "
            "be (5, 6): use LayerNorm((4, 5), …)"),
        ),
        (
            small(nn.LSTM(7, 5)), draw(3, 2, 6),
            "layer 'body.1' LSTM(input_size=7) got 6 features: use LSTM(6, …)",
        ),
        (
            small(nn.BatchNorm2d(3)), draw(4, 3),
            "layer 'body.1' BatchNorm2d got (4, 3) and failed: expected 4D input (got 2D input)",
        ),
        (
            small(nn.Linear(3, 2).double()), draw(4, 3),
            "layer 'body.1' Linear got (4, 3) and failed: ",
        ),
    ],
)  # fmt: skip
def test_a_misfit_is_told(model: nn.Module, x: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        tape(model, x)
    assert caught.value.__cause__ is not None


def test_an_error_that_is_not_about_shapes_keeps_its_type_and_says_where() -> None:
    with pytest.raises(IndexError) as caught:
        tape(small(nn.Embedding(5, 2)), torch.tensor([[7]]))
    assert caught.value.__notes__ == ["in layer 'body.1' Embedding, which got (1, 1)"]


def test_a_layer_that_fails_and_is_caught_does_not_confuse_the_rest() -> None:
    class Tries(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.wrong, self.right = nn.Linear(3, 2), nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            try:
                return self.wrong(x)
            except RuntimeError:
                return self.right(x)

    found = tape(Tries(), draw(5, 4))
    assert [row.name for row in found.rows] == ["", "right"]
    assert found.unused == (("wrong", "Linear", 8),)


@pytest.mark.parametrize(
    ("model", "inputs", "message"),
    [
        (nn.Linear, (draw(2),), "model must be a torch.nn.Module, got a type; use Linear(…)"),
        (torch.relu, (draw(2),), "model must be a torch.nn.Module, got a builtin_function"),
        (
            lenet(), ((1, 1, 28, 28),),
            ("input must be what the model takes, got the shape (1, 1, 28, 28); "
            "use torch.zeros(1, 1, 28, 28)"),
        ),
        (lenet(), (torch.Size([2, 3]),), "use torch.zeros(2, 3)"),
        (
            TwoInputs(), ([draw(2, 3), draw(2, 2)],),
            ("missing a required argument: 'y'; give each input as an argument of its own: "
            "tape(model, *inputs)"),
        ),
        (lenet(), (), "the inputs must be those of Sequential.forward(input), got ()"),
        (lenet(), (draw(1), draw(2)), "got ((1,), (2,)): too many positional arguments"),
    ],
)  # fmt: skip
def test_what_is_no_model_or_no_input_is_refused(
    model: Any, inputs: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(TypeError, match=re.escape(message)):
        tape(model, *inputs)


def test_a_model_that_cannot_be_copied_is_refused() -> None:
    model = nn.Linear(2, 2)
    model.source = (n for n in range(3))
    with pytest.raises(TypeError, match=r"model must be one that copy.deepcopy can copy.*Linear"):
        tape(model, draw(1, 2))


def test_a_name_that_has_no_row_is_refused() -> None:
    with pytest.raises(KeyError, match=r"no layer named 'conv9' was called; there are '', 'conv1'"):
        tape(lenet(), draw(1, 1, 28, 28))["conv9"]


# ---- text and table ----------------------------------------------------------------------------


def test_the_text_has_a_line_for_each_layer_and_its_arithmetic_below() -> None:
    lines = str(tape(lenet(), draw(1, 1, 28, 28))).splitlines()
    heads = [line for line in lines if not line.startswith("    ")]
    assert len(heads) == 10 + 1
    assert re.fullmatch(
        r"conv1 +Conv2d +\(1, 1, 28, 28\) → \(1, 6, 28, 28\) +156 parameters", heads[0]
    )
    assert lines[1] == "    ⌊(28 + 2·2 − 5)/1⌋ + 1 = 28"
    assert heads[-1] == "Sequential: (1, 1, 28, 28) → (1, 10), 51902 parameters"
    assert all(line == line.rstrip() for line in lines)


def test_the_table_has_five_columns_and_a_last_row_for_the_model() -> None:
    model = nn.Sequential(OrderedDict(a_b=nn.Linear(1000, 1000)))
    found = tape(model, draw(1, 1000))
    rows = found.markdown().splitlines()
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {6}
    assert rows[2].startswith(r"| a\_b Linear | (1, 1000) | (1, 1000) | 1,001,000 | 1000 features")
    assert rows[-1] == "| **Sequential** | (1, 1000) | (1, 1000) | 1,001,000 | |"


def test_shapes_are_written_in_one_line() -> None:
    assert shapes_text((5, 3)) == "(5, 3)"
    assert shapes_text([(5, 3), [(2,), ()], {"mask": (5,)}]) == "[(5, 3), [(2,), ()], mask: (5,)]"
    assert shapes_text(None) == "no tensor"


def test_rows_are_data() -> None:
    found = tape(nn.Linear(3, 2), draw(5, 3))
    assert isinstance(found, Tape)
    assert found.rows == (
        LayerShapes(
            "", "Linear", (5, 3), (5, 2), 8,
            ("3 features → 2", "2·(3 + 1) = 8 parameters"), 0, 1, False,
        ),
    )  # fmt: skip
    assert found == tape(nn.Linear(3, 2), draw(5, 3, seed=1))
