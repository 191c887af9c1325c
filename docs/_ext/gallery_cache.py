"""Run each gallery script when, and only when, what it would show has changed.

sphinx-gallery runs a script again when the script's own text changes, and only then. This extension
also watches the definitions of ``handbook`` that the script uses, the packages, the device and the
code that draws the figures, and it runs all stale scripts in one pool, the longest first.
"""

from __future__ import annotations

import functools
import gc
import hashlib
import importlib.metadata
import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import standalone
from inliner import PACKAGE
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)

# Another version of one of these may draw or print something else.
PACKAGES = ("torch", "numpy", "matplotlib", "scikit-learn", "pillow", "sphinx-gallery")
DRAWING_CODE = ("figures.py", "recolour.py", "gallery_cache.py")


@functools.cache
def device_name() -> str:
    """Name the device that the scripts run on, without the seconds that importing torch takes."""
    wanted = os.environ.get("HANDBOOK_DEVICE", "").strip() or "auto"
    if wanted != "auto" and not wanted.startswith("cuda"):
        return {"cpu": "CPU", "mps": "Apple GPU (MPS)"}.get(wanted, wanted)
    if shutil.which("nvidia-smi") and "+cpu" not in importlib.metadata.version("torch"):
        query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
        answer = subprocess.run(query, capture_output=True, text=True, check=False)
        if answer.returncode == 0 and answer.stdout.strip():
            return answer.stdout.splitlines()[0].strip()
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        return "Apple GPU (MPS)"
    return "CPU"


def ran_on() -> str:
    """Say where the figures and numbers of this build come from."""
    versions = {name: importlib.metadata.version(name).split("+")[0] for name in PACKAGES[:3]}
    where = "the CPU" if device_name() == "CPU" else f"one {device_name()}"
    return f"Ran on {where} with PyTorch {versions['torch']}, matplotlib {versions['matplotlib']}."


def digest(script: Path, package_root: Path) -> str:
    """Hash everything that decides what a script's page shows."""
    parts = [
        script.read_text(encoding="utf-8"),
        standalone.fingerprint(script, package_root),
        device_name(),
        *(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES),
        *(_read(Path(__file__).with_name(name)) for name in DRAWING_CODE),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def digests(scripts: Iterable[Path], package_root: Path, store: Path) -> dict[Path, str]:
    """Return the digest of each script; those whose every source is as it was are looked up.

    To find what a script uses takes hundredths of a second, and a build in which nothing has
    changed should not spend seconds on it.
    """
    here = Path(__file__).parent
    code = [*(package_root / PACKAGE).glob("*.py"), *here.glob("*.py"), *here.glob("inliner/*.py")]
    parts = [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(code)]
    parts += [device_name(), *(importlib.metadata.version(name) for name in PACKAGES)]
    old = json.loads(store.read_text(encoding="utf-8")) if store.exists() else {}
    new, found = {}, {}
    for script in scripts:
        key = hashlib.sha256("\0".join([*parts, _read(script)]).encode()).hexdigest()
        found[script] = new[key] = old.get(key) or digest(script, package_root)
    store.parent.mkdir(parents=True, exist_ok=True)
    scratch = store.with_suffix(".new")
    scratch.write_text(json.dumps(new), encoding="utf-8")
    os.replace(scratch, store)
    return found


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def find_scripts(conf: dict[str, Any], srcdir: Path) -> dict[Path, Path]:
    """Map each script of the gallery to the file that sphinx-gallery makes of it."""
    ignored = re.compile(conf["ignore_pattern"])
    found = {}
    for sources, target in zip(conf["examples_dirs"], conf["gallery_dirs"], strict=True):
        root = (srcdir / sources).resolve()
        for script in sorted(root.glob("**/plot_*.py")):
            if not ignored.search(script.name):  # as sphinx-gallery does: the folders may be any
                found[script] = srcdir / target / script.relative_to(root)
    return found


def is_fresh(target: Path, wanted: str) -> bool:
    """Tell whether a page is whole and shows what its script would show now."""
    stored = target.with_suffix(".fingerprint")
    # The fingerprint is written last, so a build that broke off left none behind.
    return (
        stored.exists()
        and stored.read_text(encoding="utf-8") == wanted
        and target.with_suffix(".rst").exists()
        and Path(f"{target}.md5").exists()
    )


def last_cost_s(target: Path) -> float:
    """Return the seconds that a script took the last time, infinity where it never ran."""
    cost = target.with_suffix(".cost.json")
    return float(json.loads(cost.read_text())["time"]) if cost.exists() else float("inf")


def run_one(script: Path, target: Path, conf: dict[str, Any], wanted: str) -> bool:
    """Run one script and, when its page is whole, write down what it was made from."""
    # An internal function; constraints.txt pins its version and a test calls it.
    from sphinx_gallery.gen_rst import generate_file_rst

    result = generate_file_rst(script.name, target.parent, script.parent, conf)
    passed = bool(result[-1].get("passing"))
    if passed:
        scratch = target.with_suffix(".fingerprint.new")
        scratch.write_text(wanted, encoding="utf-8")
        os.replace(scratch, target.with_suffix(".fingerprint"))
    return passed


def number_of_processes() -> int:
    """Return how many scripts run at once: HANDBOOK_JOBS, or as many as there are cores.

    It is no setting of sphinx-gallery's: Sphinx hashes those, and two sites would differ by it.
    """
    return int(os.environ.get("HANDBOOK_JOBS", "0")) or os.cpu_count() or 1


def run_stale(app: Sphinx) -> None:
    """Run the stale scripts before sphinx-gallery looks, so that it finds every page current."""
    conf = app.config.sphinx_gallery_conf
    if not conf["plot_gallery"]:
        return
    srcdir = Path(app.srcdir)
    stale = []
    targets = find_scripts(conf, srcdir)
    store = Path(app.doctreedir) / "gallery_digests.json"
    for script, wanted in digests(targets, Path(app.confdir), store).items():
        target = targets[script]
        if not is_fresh(target, wanted):
            Path(f"{target}.md5").unlink(missing_ok=True)
            target.with_suffix(".fingerprint").unlink(missing_ok=True)
            (target.parent / "images" / "thumb").mkdir(parents=True, exist_ok=True)
            stale.append((script, target, wanted))
    if not stale:
        return
    from joblib import Parallel, delayed

    gc.freeze()  # where one process does it all, no script should look through the whole book
    stale.sort(key=lambda item: last_cost_s(item[1]), reverse=True)
    n_jobs = min(number_of_processes(), len(stale))
    logger.info("running %d gallery scripts in %d processes...", len(stale), n_jobs, color="white")
    pool = Parallel(n_jobs=n_jobs, pre_dispatch="n_jobs", batch_size=1, backend="loky")
    jobs = (delayed(run_one)(script, target, conf, wanted) for script, target, wanted in stale)
    # One that failed is left without a checksum: sphinx-gallery runs it again and reports it.
    pool(jobs)


def prune(app: Sphinx) -> None:
    """Remove what is left of scripts that are no longer in the gallery."""
    if os.environ.get("HANDBOOK_ONLY"):
        return
    conf = app.config.sphinx_gallery_conf
    kept = set(find_scripts(conf, Path(app.srcdir)).values())
    for folder in conf["gallery_dirs"]:
        for page in sorted((Path(app.srcdir) / folder).glob("*/plot_*.rst")):
            if page.with_suffix(".py") in kept:
                continue
            logger.info("removing the page of a deleted script: %s", page.stem)
            leftovers = [
                *page.parent.glob(f"{page.stem}.*"),
                *page.parent.glob(f"standalone/{page.stem}.*"),
                *page.parent.glob(f"images/sphx_glr_{page.stem}_[0-9]*"),
                *page.parent.glob(f"images/thumb/sphx_glr_{page.stem}_*"),
            ]
            for path in leftovers:
                path.unlink()
        for part in sorted((Path(app.srcdir) / folder).glob("*/")):
            if not any(script.parent == part for script in kept) and part.name != "images":
                shutil.rmtree(part)


def reset(gallery_conf: dict[str, Any], fname: str, when: str) -> None:
    """Give every script the PyTorch that a fresh interpreter has."""
    import torch

    if when == "before":  # now the names of the last script are gone; behind it they still live
        gc.collect()  # its figures and functions are cycles
        gc.freeze()  # what stays, modules above all, is not looked through again
    torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)
    torch.set_grad_enabled(True)
    torch.set_printoptions(profile="default", sci_mode=None)
    if torch.are_deterministic_algorithms_enabled():  # the setter imports the compiler: a second
        torch.use_deterministic_algorithms(False)
    torch.autograd.set_detect_anomaly(False)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    torch.manual_seed(0)


def say_where(app: Sphinx, docname: str, source: list[str]) -> None:
    """Add to each script's page a line that says where it ran."""
    if re.fullmatch(r"auto_gallery/\w+/plot_\w+", docname):
        source[0] += f"\n\n.. rst-class:: ran-on\n\n{ran_on()}\n"


def setup(app: Sphinx) -> dict[str, Any]:
    """Run before sphinx-gallery's own builder-inited handler, and clean up after it."""
    app.connect("builder-inited", run_stale, priority=400)
    app.connect("builder-inited", prune, priority=600)
    app.connect("source-read", say_where, priority=700)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
