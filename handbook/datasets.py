r"""Data to learn from: real sets that need no download, and surfaces whose dimension is known."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from handbook.checks import (
    describe,
    optional_package,
    require_choice,
    require_finite,
    require_floating,
    require_generator,
    require_integer,
    require_number,
    require_tensor,
)

__all__ = [
    "LabeledData",
    "RegressionData",
    "MonthlySeries",
    "Split",
    "load_digits",
    "load_wine",
    "load_iris",
    "load_breast_cancer",
    "load_diabetes",
    "load_photograph",
    "load_el_nino",
    "train_test_split",
    "synthetic_linear_data",
    "sample_moons",
    "sample_xor",
    "sample_manifold",
    "GLYPHS",
    "glyph",
    "noisy_glyphs",
]


class LabeledData(NamedTuple):
    """Samples with a class label each.

    Attributes
    ----------
    inputs : Tensor
        Features, float32, on the CPU.
    targets : Tensor
        Class labels, int64, from 0 to ``len(target_names) - 1``.
    feature_names : tuple of str
        One name for each column of ``inputs``.
    target_names : tuple of str
        One name for each label.

    Shapes
    ------
    inputs : ``(N, D)``
    targets : ``(N,)``

    Examples
    --------
    >>> wine = load_wine()
    >>> wine.inputs.shape, wine.targets.bincount().tolist(), wine.feature_names[0]
    (torch.Size([178, 13]), [59, 71, 48], 'alcohol')
    """

    inputs: Tensor
    targets: Tensor
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]


class RegressionData(NamedTuple):
    """Samples with a number to predict each.

    Attributes
    ----------
    inputs : Tensor
        Features, float32, on the CPU.
    targets : Tensor
        What to predict, float32, as a column.
    feature_names : tuple of str
        One name for each column of ``inputs``.
    feature_units : tuple of str
        The unit of each column.
    target_name : str
        What is predicted, with its unit.

    Shapes
    ------
    inputs : ``(N, D)``
    targets : ``(N, 1)``

    Examples
    --------
    >>> diabetes = load_diabetes()
    >>> diabetes.inputs.shape, diabetes.targets.shape
    (torch.Size([442, 10]), torch.Size([442, 1]))
    >>> diabetes.feature_names[2], diabetes.feature_units[2]
    ('bmi', 'kg/m²')
    """

    inputs: Tensor
    targets: Tensor
    feature_names: tuple[str, ...]
    feature_units: tuple[str, ...]
    target_name: str


class MonthlySeries(NamedTuple):
    """A temperature for each month, without a gap.

    Attributes
    ----------
    temperature_celsius : Tensor
        The mean of each month, in °C, float32, on the CPU.
    year, month : Tensor
        When: the calendar year, and the month from 1 to 12; int64.

    Shapes
    ------
    temperature_celsius : ``(T,)``
    year, month : ``(T,)``

    Examples
    --------
    >>> series = load_el_nino()
    >>> series.year[:2].tolist(), series.month[:2].tolist()
    ([1950, 1950], [1, 2])
    >>> series.time_years[:2]
    tensor([1950.0417, 1950.1250], dtype=torch.float64)
    """

    temperature_celsius: Tensor
    year: Tensor
    month: Tensor

    @property
    def time_years(self) -> Tensor:
        """The middle of each month in years, as float64, for the axis of a figure."""
        return self.year.double() + (self.month.double() - 0.5) / 12


class Split(NamedTuple):
    """Two parts of one data set: to learn from, and to be tested on.

    Attributes
    ----------
    train_inputs, train_targets, test_inputs, test_targets : Tensor
        Rows of the whole set, in random order; no row is in both parts.

    Shapes
    ------
    train_inputs : ``(N_train, *)``
    train_targets : ``(N_train, *)``
    test_inputs : ``(N_test, *)``
    test_targets : ``(N_test, *)``

    Examples
    --------
    >>> rows = torch.arange(8.0).reshape(8, 1)
    >>> split = train_test_split(rows, rows, generator=torch.Generator().manual_seed(0))
    >>> len(split.train_inputs), len(split.test_inputs)
    (6, 2)
    """

    train_inputs: Tensor
    train_targets: Tensor
    test_inputs: Tensor
    test_targets: Tensor


def load_digits() -> LabeledData:
    """Return 1797 images of handwritten digits, 8 by 8 pixels each.

    The set comes inside scikit-learn, so that nothing is fetched. Forty-three people wrote the
    whole set; these images come from thirteen of them who wrote none of the other part.

    Returns
    -------
    LabeledData
        ``inputs`` of shape ``(1797, 64)``: the pixels row by row from the top left. Each is a
        whole number from 0 (no ink) to 16: how many of a 4 by 4 block of scanned dots are
        black. ``targets`` of shape ``(1797,)``: the digit that was written, 0 to 9.

    Raises
    ------
    ImportError
        If scikit-learn is not installed.

    Notes
    -----
    ``inputs.reshape(-1, 1, 8, 8)`` makes images with one channel, ``(N, C, H, W)``.

    References
    ----------
    Alpaydin and Kaynak, "Optical recognition of handwritten digits", 1998,
    https://doi.org/10.24432/C50P49

    Examples
    --------
    >>> digits = load_digits()
    >>> digits.inputs.shape, digits.targets.shape
    (torch.Size([1797, 64]), torch.Size([1797]))
    >>> digits.inputs.min().item(), digits.inputs.max().item()
    (0.0, 16.0)
    >>> digits.targets[:5]
    tensor([0, 1, 2, 3, 4])
    """
    return _load_bundled_set("load_digits")


def load_wine() -> LabeledData:
    """Return 178 wines from three growers, with thirteen chemical measurements each.

    The set comes inside scikit-learn, so that nothing is fetched.

    Returns
    -------
    LabeledData
        ``inputs`` of shape ``(178, 13)``: the measurements, each in its own unit, so that one
        column reaches 0.66 and another 1680. ``targets`` of shape ``(178,)``: the grower, 0
        to 2.

    Raises
    ------
    ImportError
        If scikit-learn is not installed.

    References
    ----------
    Aeberhard and Forina, "Wine", 1992, https://doi.org/10.24432/C5PC7J

    Examples
    --------
    >>> wine = load_wine()
    >>> wine.inputs.shape
    torch.Size([178, 13])
    >>> wine.feature_names[7], round(wine.inputs[:, 7].max().item(), 2)
    ('nonflavanoid_phenols', 0.66)
    >>> wine.feature_names[12], round(wine.inputs[:, 12].max().item(), 2)
    ('proline', 1680.0)
    """
    return _load_bundled_set("load_wine")


_DIABETES_UNITS = {
    "age": "years",
    "sex": "1 or 2",
    "bmi": "kg/m²",
    "bp": "mm Hg",
    "s1": "mg/dl",
    "s2": "mg/dl",
    "s3": "mg/dl",
    "s4": "dimensionless",
    "s5": "ln(mg/dl)",
    "s6": "mg/dl",
}


def load_diabetes() -> RegressionData:
    """Return ten measurements of 442 patients, and how far their diabetes went in a year.

    The set comes inside scikit-learn, so that nothing is fetched.

    Returns
    -------
    RegressionData
        ``inputs`` of shape ``(442, 10)``, each column in its own unit: age, sex (1 or 2), body mass
        index, blood pressure, and six values of blood serum: total cholesterol (s1), low-density
        (s2) and high-density lipoproteins (s3), total over high-density (s4), the logarithm of
        triglycerides (s5), and blood sugar (s6). ``targets`` of shape ``(442, 1)``: a score of the
        progression of the disease, from 25 to 346.

    Raises
    ------
    ImportError
        If scikit-learn is not installed.

    Notes
    -----
    scikit-learn hands the columns out centred and scaled; these are the numbers as measured. The
    file names no units for s1 to s6. Those given here are what the numbers fit: s2 was not measured
    but computed, by a formula for mg/dl, s1 − s3 − exp(s5) / 5, which holds up to rounding for all
    but four patients.

    References
    ----------
    Efron, Hastie, Johnstone and Tibshirani, "Least angle regression", The Annals of Statistics 32
    (2004), https://doi.org/10.1214/009053604000000067

    Friedewald, Levy and Fredrickson, "Estimation of the concentration of low-density lipoprotein
    cholesterol in plasma, without use of the preparative ultracentrifuge", Clinical Chemistry 18
    (1972), https://doi.org/10.1093/clinchem/18.6.499

    Examples
    --------
    >>> diabetes = load_diabetes()
    >>> diabetes.feature_names
    ('age', 'sex', 'bmi', 'bp', 's1', 's2', 's3', 's4', 's5', 's6')
    >>> diabetes.inputs[0, :4]
    tensor([ 59.0000,   2.0000,  32.1000, 101.0000])
    >>> total, low, high, triglycerides = diabetes.inputs[:, [4, 5, 6, 8]].T
    >>> gap = (total - high - triglycerides.exp() / 5 - low).abs()
    >>> (gap < 0.01).sum().item(), round(gap.max().item(), 1)
    (438, 0.4)
    """
    sklearn_datasets = optional_package(
        "sklearn.datasets", distribution="scikit-learn", purpose="load_diabetes"
    )
    bunch = sklearn_datasets.load_diabetes(scaled=False)
    names = tuple(str(name) for name in bunch.feature_names)
    return RegressionData(
        inputs=torch.tensor(bunch.data, dtype=torch.float32, device="cpu"),
        targets=torch.tensor(bunch.target, dtype=torch.float32, device="cpu")[:, None],
        feature_names=names,
        feature_units=tuple(_DIABETES_UNITS[name] for name in names),
        target_name="disease progression after a year (score, dimensionless)",
    )


def load_iris() -> LabeledData:
    """Return 150 iris flowers of three species, with four lengths each.

    The set comes inside scikit-learn, so that nothing is fetched.

    Returns
    -------
    LabeledData
        ``inputs`` of shape ``(150, 4)``: length and width of the sepal, length and width of the
        petal, in cm. ``targets`` of shape ``(150,)``: setosa is 0, versicolor 1, virginica 2;
        fifty flowers of each, one species after the other.

    Raises
    ------
    ImportError
        If scikit-learn is not installed.

    Notes
    -----
    The rows are sorted by species. A split that takes the last rows for testing holds a species
    back; use :func:`train_test_split`, which draws at random.

    References
    ----------
    R. A. Fisher, "The use of multiple measurements in taxonomic problems", Annals of Eugenics 7
    (1936), doi:10.1111/j.1469-1809.1936.tb02137.x.

    Examples
    --------
    >>> iris = load_iris()
    >>> iris.inputs.shape, iris.target_names
    (torch.Size([150, 4]), ('setosa', 'versicolor', 'virginica'))
    >>> iris.feature_names[2], iris.inputs[:, 2].amin().item(), iris.inputs[:, 2].amax().item()
    ('petal length (cm)', 1.0, 6.9000...)
    """
    return _load_bundled_set("load_iris")


def load_breast_cancer() -> LabeledData:
    """Return 569 breast tumours, with thirty measurements of their cell nuclei each.

    The set comes inside scikit-learn, so that nothing is fetched. A sample was taken from each
    tumour with a fine needle, photographed under a microscope, and the outlines of the nuclei
    were traced.

    Returns
    -------
    LabeledData
        ``inputs`` of shape ``(569, 30)``: ten properties of a nucleus, each as mean over the
        nuclei of the picture, as standard error of that mean, and as mean of the three largest
        values ("worst"). Radius and perimeter are lengths and area is a square of one, in the
        picture's own unit; texture is the standard deviation of the grey values; the other six are
        dimensionless. ``targets`` of shape ``(569,)``: 0 for malignant, 1 for benign.

    Raises
    ------
    ImportError
        If scikit-learn is not installed.

    Notes
    -----
    The harmless case is class 1. Where "positive" shall mean "ill", take ``1 - targets``.

    References
    ----------
    Wolberg, Mangasarian, Street and Street, "Breast Cancer Wisconsin (Diagnostic)", 1993,
    https://doi.org/10.24432/C5DW2B

    Examples
    --------
    >>> tumours = load_breast_cancer()
    >>> tumours.inputs.shape, tumours.target_names
    (torch.Size([569, 30]), ('malignant', 'benign'))
    >>> tumours.targets.bincount().tolist()
    [212, 357]
    >>> tumours.feature_names[0], tumours.feature_names[10], tumours.feature_names[20]
    ('mean radius', 'radius error', 'worst radius')
    """
    return _load_bundled_set("load_breast_cancer")


def load_photograph(name: str) -> Tensor:
    """Return a colour photograph as a tensor, channels first.

    The pictures come inside scikit-learn, so that nothing is fetched.

    Parameters
    ----------
    name : str
        ``"china"`` (a temple) or ``"flower"`` (a dahlia).

    Returns
    -------
    Tensor
        Red, green and blue of every pixel, float32, from 0 (none) to 1. The dimensions are
        channel, row and column.

    Shapes
    ------
    return : ``(3, 427, 640)``

    Raises
    ------
    ImportError
        If scikit-learn or Pillow, which reads the file, is not installed.
    ValueError
        If there is no photograph of that name.

    Notes
    -----
    The file holds ``(row, column, channel)`` in whole numbers from 0 to 255, as image files do.

    Examples
    --------
    >>> photograph = load_photograph("china")
    >>> photograph.shape, photograph.dtype
    (torch.Size([3, 427, 640]), torch.float32)
    >>> photograph.min().item(), photograph.max().item()
    (0.0, 1.0)
    """
    require_choice("name", name, ("china", "flower"))
    purpose = f"load_photograph({name!r})"
    optional_package("PIL.Image", distribution="pillow", purpose=purpose)
    sklearn_datasets = optional_package(
        "sklearn.datasets", distribution="scikit-learn", purpose=purpose
    )
    pixels = torch.tensor(sklearn_datasets.load_sample_image(f"{name}.jpg"))
    return pixels.permute(2, 0, 1).float().div(255).contiguous()


def load_el_nino() -> MonthlySeries:
    """Return the temperature of the sea off Peru and Ecuador, month by month, 1950 to 2010.

    It is the surface temperature averaged over the region *Niño 1+2*: 0° to 10° south, 90° to 80°
    west. The record comes inside statsmodels, so that nothing is fetched.

    Returns
    -------
    MonthlySeries
        732 months, January 1950 to December 2010, each in °C with two decimals.

    Raises
    ------
    ImportError
        If statsmodels is not installed.

    Notes
    -----
    The record is a reconstruction (ERSST, version 3b): ships and buoys measured here and there, and
    statistics filled what lies between. It is in the public domain.

    References
    ----------
    Smith, Reynolds, Peterson and Lawrimore, "Improvements to NOAA's historical merged land-ocean
    surface temperature analysis (1880-2006)", Journal of Climate 21 (2008),
    https://doi.org/10.1175/2007JCLI2100.1

    Examples
    --------
    >>> series = load_el_nino()
    >>> series.temperature_celsius.shape, series.year[-1].item(), series.month[-1].item()
    (torch.Size([732]), 2010, 12)
    >>> hottest = series.temperature_celsius.argmax()
    >>> series.year[hottest].item(), series.month[hottest].item()
    (1998, 3)
    >>> round(series.temperature_celsius[hottest].item(), 2)
    29.24
    """
    elnino = optional_package(
        "statsmodels.datasets.elnino", distribution="statsmodels", purpose="load_el_nino"
    )
    # One row for each year: the year, then the twelve months.
    table = torch.tensor(elnino.load().data.to_numpy(), dtype=torch.float64, device="cpu")
    years = table[:, 0].long()
    return MonthlySeries(
        temperature_celsius=table[:, 1:].reshape(-1).float(),
        year=years.repeat_interleave(12),
        month=torch.arange(1, 13, device="cpu").repeat(len(years)),
    )


def _load_bundled_set(function: str) -> LabeledData:
    sklearn_datasets = optional_package(
        "sklearn.datasets", distribution="scikit-learn", purpose=function
    )
    bunch = getattr(sklearn_datasets, function)()
    return LabeledData(
        inputs=torch.tensor(bunch.data, dtype=torch.float32, device="cpu"),
        targets=torch.tensor(bunch.target, dtype=torch.int64, device="cpu"),
        feature_names=tuple(str(name) for name in bunch.feature_names),
        target_names=tuple(str(name) for name in bunch.target_names),
    )


def train_test_split(
    inputs: Tensor, targets: Tensor, *, test_share: float = 0.25, generator: torch.Generator
) -> Split:
    """Split a data set at random into a part to learn from and a part to be tested on.

    Parameters
    ----------
    inputs : Tensor
        Features, one sample per row.
    targets : Tensor
        What to predict, one row for each sample.
    test_share : float, optional
        Share of the samples in the test part, above 0 and below 1. The number is rounded to the
        nearest whole one.
    generator : torch.Generator
        A CPU generator.

    Returns
    -------
    Split
        Copies, on the device of the whole.

    Shapes
    ------
    inputs : ``(N, *)``
    targets : ``(N, *)``

    Raises
    ------
    TypeError
        If ``inputs`` or ``targets`` is not a tensor, ``test_share`` is not a number, or
        ``generator`` is not a :class:`torch.Generator`.
    ValueError
        If the numbers of samples differ, ``test_share`` lies outside (0, 1), or one part would
        be empty.

    Examples
    --------
    >>> inputs = torch.arange(8.0).reshape(4, 2)
    >>> split = train_test_split(
    ...     inputs, torch.arange(4), generator=torch.Generator().manual_seed(0)
    ... )
    >>> split.train_inputs.shape, split.test_inputs.shape
    (torch.Size([3, 2]), torch.Size([1, 2]))
    """
    require_tensor("inputs", inputs)
    require_tensor("targets", targets)
    if inputs.dim() == 0 or targets.dim() == 0 or inputs.shape[0] != targets.shape[0]:
        raise ValueError(
            "inputs and targets must have as many rows as each other, "
            f"got {describe(inputs)} and {describe(targets)}"
        )
    test_share = require_number("test_share", test_share, above=0.0, below=1.0)
    require_generator("generator", generator)
    n_samples = inputs.shape[0]
    n_test = round(test_share * n_samples)
    if not 0 < n_test < n_samples:
        raise ValueError(
            f"test_share must leave at least 1 sample in both parts, got {test_share} of "
            f"{n_samples} samples"
        )
    order = torch.randperm(n_samples, generator=generator)
    test, train = order[:n_test], order[n_test:]
    return Split(
        train_inputs=inputs[train.to(inputs.device)],
        train_targets=targets[train.to(targets.device)],
        test_inputs=inputs[test.to(inputs.device)],
        test_targets=targets[test.to(targets.device)],
    )


def synthetic_linear_data(
    weights: Tensor,
    bias: float,
    n_samples: int,
    *,
    noise_std: float = 0.01,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    r"""Draw samples of a linear function with noise, so that the right answer is known.

    .. math:: y = X w + b + \varepsilon, \qquad X_{nd} \sim N(0, 1), \qquad
              \varepsilon_n \sim N(0, \sigma^2)

    Parameters
    ----------
    weights : Tensor
        :math:`w`, at least one finite floating-point number.
    bias : float
        :math:`b`, a finite number.
    n_samples : int
        :math:`N`, at least 1.
    noise_std : float, optional
        :math:`\sigma`, the standard deviation of the noise, at least 0. Its variance is
        :math:`\sigma^2`.
    generator : torch.Generator
        A CPU generator; the draws are made in float64 and rounded once.

    Returns
    -------
    tuple of Tensor
        Inputs and targets, in the dtype and on the device of ``weights``.

    Shapes
    ------
    weights : ``(D,)``
    inputs : ``(N, D)``
    targets : ``(N, 1)``

    Raises
    ------
    TypeError
        If ``weights`` is not a floating-point tensor, ``bias`` or ``noise_std`` not a number,
        ``n_samples`` not an ``int``, or ``generator`` not a :class:`torch.Generator`.
    ValueError
        If ``weights`` is not a vector or not finite, ``bias`` not finite, ``n_samples`` below 1, or
        ``noise_std`` negative or not finite.

    Notes
    -----
    The inputs are drawn before the noise: another ``noise_std`` leaves them as they are. No
    predictor has a mean squared error below :math:`\sigma^2` on new samples.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> weights = torch.tensor([2.0, -3.4])
    >>> inputs, targets = synthetic_linear_data(weights, 4.2, 1000, generator=generator)
    >>> inputs.shape, targets.shape
    (torch.Size([1000, 2]), torch.Size([1000, 1]))
    >>> noise = targets - (inputs @ weights[:, None] + 4.2)
    >>> round(noise.std().item(), 3), f"{noise.var().item():.0e}"
    (0.01, '1e-04')
    """
    require_finite("weights", require_floating("weights", weights))
    if weights.dim() != 1 or len(weights) == 0:
        raise ValueError(
            f"weights must have shape (D,) with D >= 1, got {describe(weights)}; "
            "use weights.flatten()"
        )
    infinity = float("inf")
    bias = require_number("bias", bias, above=-infinity, below=infinity)
    require_integer("n_samples", n_samples, minimum=1)
    noise_std = require_number("noise_std", noise_std, minimum=0.0, below=infinity)
    require_generator("generator", generator)
    inputs = torch.randn(
        n_samples, len(weights), generator=generator, dtype=torch.float64, device="cpu"
    )
    noise = torch.randn(n_samples, 1, generator=generator, dtype=torch.float64, device="cpu")
    column = weights.detach().cpu().double()[:, None]  # (D, 1)
    targets = inputs @ column + bias + noise_std * noise  # (N, D) @ (D, 1) = (N, 1)
    return inputs.to(weights), targets.to(weights)


def sample_moons(
    n_samples: int, *, noise_std: float = 0.1, generator: torch.Generator
) -> LabeledData:
    r"""Draw points on two half circles that reach into each other: no line separates them.

    .. math:: x = \begin{cases} (\cos t, \; \sin t) & \text{class } 0 \\
              (1 - \cos t, \; \tfrac12 - \sin t) & \text{class } 1 \end{cases}
              \;+\; \varepsilon, \qquad t \sim U(0, \pi)

    Parameters
    ----------
    n_samples : int
        How many points, at least 1. The classes take turns.
    noise_std : float, optional
        The standard deviation of the noise :math:`\varepsilon` in each coordinate, at least 0.
    generator : torch.Generator
        A CPU generator; the draws are made in float64 and rounded once.

    Returns
    -------
    LabeledData
        ``inputs`` of shape ``(n_samples, 2)`` and ``targets`` of shape ``(n_samples,)``: 0 for the
        upper half circle, 1 for the lower one.

    Raises
    ------
    TypeError
        If ``n_samples`` is not an ``int``, ``noise_std`` not a number, or ``generator`` not a
        :class:`torch.Generator`.
    ValueError
        If ``n_samples`` is below 1, or ``noise_std`` is negative or not finite.

    Notes
    -----
    The angles are drawn before the noise: another ``noise_std`` leaves the half circles as they
    are.

    Examples
    --------
    >>> moons = sample_moons(6, noise_std=0.0, generator=torch.Generator().manual_seed(0))
    >>> moons.targets
    tensor([0, 1, 0, 1, 0, 1])
    >>> center = torch.tensor([[0.0, 0.0], [1.0, 0.5]])[moons.targets]
    >>> (moons.inputs - center).norm(dim=1)
    tensor([1.0000, 1.0000, 1.0000, 1.0000, 1.0000, 1.0000])
    """
    require_integer("n_samples", n_samples, minimum=1)
    noise_std = require_number("noise_std", noise_std, minimum=0.0, below=float("inf"))
    require_generator("generator", generator)
    angles = torch.pi * torch.rand(n_samples, generator=generator, dtype=torch.float64)
    upper = torch.stack([angles.cos(), angles.sin()], dim=1)
    lower = torch.stack([1 - angles.cos(), 0.5 - angles.sin()], dim=1)
    targets = torch.arange(n_samples, device="cpu") % 2
    points = torch.where((targets == 0)[:, None], upper, lower)
    return _noisy_points(points, targets, noise_std, ("upper moon", "lower moon"), generator)


def sample_xor(
    n_samples: int, *, noise_std: float = 0.15, generator: torch.Generator
) -> LabeledData:
    """Draw points about the corners of a square, where opposite corners are of one class.

    This is the exclusive or of two bits: class 1 where exactly one coordinate is 1.

    Parameters
    ----------
    n_samples : int
        How many points, at least 1. The corners (0, 0), (1, 0), (0, 1) and (1, 1) take turns.
    noise_std : float, optional
        The standard deviation of the noise in each coordinate, at least 0.
    generator : torch.Generator
        A CPU generator; the draws are made in float64 and rounded once.

    Returns
    -------
    LabeledData
        ``inputs`` of shape ``(n_samples, 2)`` and ``targets`` of shape ``(n_samples,)``.

    Raises
    ------
    TypeError
        If ``n_samples`` is not an ``int``, ``noise_std`` not a number, or ``generator`` not a
        :class:`torch.Generator`.
    ValueError
        If ``n_samples`` is below 1, or ``noise_std`` is negative or not finite.

    Examples
    --------
    >>> xor = sample_xor(4, noise_std=0.0, generator=torch.Generator().manual_seed(0))
    >>> xor.inputs.tolist(), xor.targets.tolist()
    ([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [0, 1, 1, 0])
    """
    require_integer("n_samples", n_samples, minimum=1)
    noise_std = require_number("noise_std", noise_std, minimum=0.0, below=float("inf"))
    require_generator("generator", generator)
    corner = torch.arange(n_samples, device="cpu") % 4
    first, second = corner % 2, corner // 2
    points = torch.stack([first, second], dim=1).double()
    return _noisy_points(points, first ^ second, noise_std, ("equal", "different"), generator)


def _noisy_points(
    points: Tensor,
    targets: Tensor,
    noise_std: float,
    target_names: tuple[str, str],
    generator: torch.Generator,
) -> LabeledData:
    noise = torch.randn(points.shape, generator=generator, dtype=torch.float64, device="cpu")
    return LabeledData(
        inputs=(points + noise_std * noise).float(),
        targets=targets,
        feature_names=("x1", "x2"),
        target_names=target_names,
    )


def sample_manifold(
    n_samples: int,
    n_intrinsic: int,
    n_ambient: int,
    *,
    shape: str = "torus",
    noise_std: float = 0.0,
    dtype: torch.dtype = torch.float32,
    generator: torch.Generator,
) -> Tensor:
    r"""Draw points from a surface of known dimension, turned at random in a larger space.

    Parameters
    ----------
    n_samples : int
        How many points, at least 1.
    n_intrinsic : int
        :math:`d`, the dimension of the surface, at least 1.
    n_ambient : int
        :math:`D`, how many coordinates describe a point: at least :math:`d` for a cube and
        :math:`2d` for a torus.
    shape : str, optional
        ``"cube"``: uniform in the cube of edge 1, flat and with edges. ``"torus"``: uniform on the
        product of :math:`d` circles of circumference 1, curved in the larger space, without an
        edge, and the same everywhere.
    noise_std : float, optional
        Standard deviation of Gaussian noise added to all :math:`D` coordinates, at least 0. It
        leaves the surface.
    dtype : torch.dtype, optional
        A floating-point dtype of the result.
    generator : torch.Generator
        A CPU generator; the draws are made in float64 and rounded once.

    Returns
    -------
    Tensor
        The points, on the CPU.

    Shapes
    ------
    return : ``(n_samples, n_ambient)``

    Raises
    ------
    TypeError
        If a count is not an ``int``, ``noise_std`` is not a number, ``dtype`` is not a
        floating-point dtype, or ``generator`` is not a :class:`torch.Generator`.
    ValueError
        If a count is too small, ``shape`` is unknown, or ``noise_std`` is negative or not finite.

    Notes
    -----
    The surface is turned by a random matrix with orthonormal rows, which keeps every distance. On
    the cube, distances in :math:`D` coordinates are therefore those in :math:`d`.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> points = sample_manifold(500, 2, 100, shape="cube", generator=generator)
    >>> points.shape, torch.linalg.matrix_rank(points).item()
    (torch.Size([500, 100]), 2)
    """
    require_integer("n_samples", n_samples, minimum=1)
    require_integer("n_intrinsic", n_intrinsic, minimum=1)
    require_choice("shape", shape, ("cube", "torus"))
    n_flat = n_intrinsic if shape == "cube" else 2 * n_intrinsic
    require_integer("n_ambient", n_ambient)
    if n_ambient < n_flat:
        raise ValueError(
            f"n_ambient must be at least {n_flat} to hold a {shape} of dimension {n_intrinsic}, "
            f"got {n_ambient}"
        )
    noise_std = require_number("noise_std", noise_std, minimum=0.0, below=float("inf"))
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise TypeError(f"dtype must be a floating-point dtype, got {describe(dtype)}")
    require_generator("generator", generator)
    coordinates = torch.rand(n_samples, n_intrinsic, generator=generator, dtype=torch.float64)
    if shape == "torus":
        angles = 2 * torch.pi * coordinates
        radius = 1 / (2 * torch.pi)  # circumference 1
        coordinates = radius * torch.cat([angles.cos(), angles.sin()], dim=1)
    gaussian = torch.randn(n_ambient, n_flat, generator=generator, dtype=torch.float64)
    directions = torch.linalg.qr(gaussian).Q  # (D, n_flat), orthonormal columns
    points: Tensor = coordinates @ directions.T
    if noise_std > 0:
        noise = torch.randn(points.shape, generator=generator, dtype=torch.float64)
        points = points + noise_std * noise
    return points.to(dtype)


GLYPHS: dict[str, tuple[str, ...]] = {
    "X": ("#...#", ".#.#.", "..#..", ".#.#.", "#...#"),
    "O": (".###.", "#...#", "#...#", "#...#", ".###."),
    "T": ("#####", "..#..", "..#..", "..#..", "..#.."),
    "H": ("#...#", "#...#", "#####", "#...#", "#...#"),
    "L": ("#....", "#....", "#....", "#....", "#####"),
    "K": ("#...#", "#..#.", "###..", "#..#.", "#...#"),
    "Y": ("#...#", ".#.#.", "..#..", "..#..", "..#.."),
    "Z": ("#####", "...#.", "..#..", ".#...", "#####"),
}
"""Eight letters in 5 by 5 pixels, row by row from the top. ``#`` is ink, ``.`` is paper.

:meta hide-value:
"""

_GLYPH_SIZE = 5  # pixels along each edge


def glyph(letter: str) -> Tensor:
    """Return a letter in 5 by 5 pixels.

    Parameters
    ----------
    letter : str
        One of the letters of :data:`GLYPHS`.

    Returns
    -------
    Tensor
        1 where there is ink, 0 where there is none; float32, on the CPU. The first row is the
        top one.

    Shapes
    ------
    return : ``(5, 5)``

    Raises
    ------
    ValueError
        If there is no such letter.

    Examples
    --------
    >>> glyph("X")
    tensor([[1., 0., 0., 0., 1.],
            [0., 1., 0., 1., 0.],
            [0., 0., 1., 0., 0.],
            [0., 1., 0., 1., 0.],
            [1., 0., 0., 0., 1.]])
    """
    require_choice("letter", letter, tuple(GLYPHS))
    pixels = [[float(mark == "#") for mark in row] for row in GLYPHS[letter]]
    return torch.tensor(pixels, dtype=torch.float32, device="cpu")


def noisy_glyphs(
    n_samples: int,
    *,
    letters: str = "XOTHLKYZ",
    flip_probability: float = 0.1,
    generator: torch.Generator,
) -> LabeledData:
    r"""Draw letters in 5 by 5 pixels, each pixel flipped with a given probability.

    .. math:: x_{nd} = g_{y_n d} \oplus f_{nd}, \qquad P(f_{nd} = 1) = q

    with the clean letter :math:`g`, black 1 and white 0, and :math:`\oplus` the exclusive or.

    Parameters
    ----------
    n_samples : int
        :math:`N`, at least 1.
    letters : str, optional
        The letters to draw from, each equally likely: at least one, none of them twice, all from
        :data:`GLYPHS`.
    flip_probability : float, optional
        :math:`q`, from 0 to 1: black becomes white and white black. At ½ nothing of the letter
        is left.
    generator : torch.Generator
        A CPU generator.

    Returns
    -------
    LabeledData
        ``inputs`` of shape ``(n_samples, 25)``: the pixels row by row from the top left, 0 or 1.
        ``targets`` of shape ``(n_samples,)``: the place of the letter in ``letters``.

    Raises
    ------
    TypeError
        If ``n_samples`` is not an ``int``, ``letters`` not a string, ``flip_probability`` not a
        number, or ``generator`` not a :class:`torch.Generator`.
    ValueError
        If ``n_samples`` is below 1, ``letters`` is empty or holds an unknown letter or one twice,
        or ``flip_probability`` lies outside [0, 1].

    Notes
    -----
    The letters are drawn before the noise: another ``flip_probability`` leaves the targets as they
    are, and a larger one flips the same pixels and some more.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> data = noisy_glyphs(1000, letters="XO", flip_probability=0.1, generator=generator)
    >>> data.inputs.shape, data.target_names, data.feature_names[7]
    (torch.Size([1000, 25]), ('X', 'O'), 'row 1, column 2')
    >>> clean = torch.stack([glyph(letter).flatten() for letter in data.target_names])
    >>> (data.inputs != clean[data.targets]).float().mean().item()  # share of flipped pixels
    0.10...
    """
    require_integer("n_samples", n_samples, minimum=1)
    if not isinstance(letters, str):
        raise TypeError(f"letters must be a string such as 'XO', got {describe(letters)}")
    if not letters or len(set(letters)) < len(letters):
        raise ValueError(f"letters must name at least 1 letter and none twice, got {letters!r}")
    for letter in letters:
        require_choice("each of letters", letter, tuple(GLYPHS))
    flip_probability = require_number(
        "flip_probability", flip_probability, minimum=0.0, maximum=1.0
    )
    require_generator("generator", generator)
    clean = torch.stack([glyph(letter).flatten() for letter in letters])  # (C, 25)
    targets = torch.randint(len(letters), (n_samples,), generator=generator, device="cpu")
    draws = torch.rand(
        n_samples, clean.shape[1], generator=generator, dtype=torch.float64, device="cpu"
    )
    flipped = (draws < flip_probability).float()
    return LabeledData(
        inputs=(clean[targets] - flipped).abs(),  # 0 - 1 and 1 - 0 are 1, 1 - 1 and 0 - 0 are 0
        targets=targets,
        feature_names=tuple(
            f"row {row}, column {column}"
            for row in range(_GLYPH_SIZE)
            for column in range(_GLYPH_SIZE)
        ),
        target_names=tuple(letters),
    )
