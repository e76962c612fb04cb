"""What every test shares: the real CT, where it is, and a display that needs none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples in every run, so that a change is to blame when a test fails; campaigns draw their own:
# HYPOTHESIS_PROFILE=search.
settings.register_profile("steady", derandomize=True, deadline=None)  # a busy machine is no failure
settings.register_profile("search", derandomize=False, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
_CT = Path(os.environ.get("MEDREASON_CT", Path(__file__).parents[2] / "shared" / "ct"))


@pytest.fixture(scope="session")
def real_ct() -> Path:
    """The folder of real CT series; skips where it is absent."""
    if not _CT.is_dir():
        pytest.skip(f"no real CT at {_CT} (set MEDREASON_CT)")
    return _CT
