"""Sybil runs the Python blocks of every page; docs/_ext/runnable.py finds any it would miss."""

from __future__ import annotations

import runnable
from sybil import Sybil

pytest_collect_file = Sybil(parsers=[runnable.parser()], pattern="*.md").pytest()
