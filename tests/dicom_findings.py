"""Findings on real slices, and the tools of others that judge what is made of them."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from medreason_viewer.findings.finding import Finding, Judgement
from medreason_viewer.reasoning.evidence import check, measure
from medreason_viewer.reasoning.request import Explanation, ModelInfo, Region, Step, Timing
from medreason_viewer.volume.ct import CtVolume
from medreason_viewer.volume.geometry import SliceBox
from medreason_viewer.volume.load import load_volume
from medreason_viewer.volume.scan import scan
from medreason_viewer.volume.series import Series
from medreason_viewer.volume.window import PRESETS

AT = datetime(2026, 11, 24, 12, 30, 15, tzinfo=UTC)
MODEL = ModelInfo("Test model", "ab" * 32, "nf4", "cpu", "MIT", "phantoms", "tests", "cd" * 32)


def loaded(series: Series, index: int) -> CtVolume:
    """One slice of a series, as a volume of its own."""
    if series.format != "dicom":
        return load_volume(series)
    return load_volume(replace(series, frames=(series.frames[index],)))


def first_series(path: Path) -> Series:
    return next(series for series in scan(path).series if series.loadable)


def finding_on(
    volume: CtVolume,
    index: int,
    box: SliceBox,
    answer: str | None = "nodule",
    judgement: Judgement | None = None,
) -> Finding:
    """What a model might have said of a box, with what is measured there."""
    frame = volume.series.frames[index]
    evidence = measure(volume.hu(index), volume.padding(index), frame.plane, box)
    sentence = "A solid nodule of 9 mm lies in the right lung."
    steps = (Step(sentence, None, check(sentence, evidence)), Step("Its border is “smooth” \\ lobulated."))
    explanation = Explanation(
        request_id="r1",
        key=volume.key(index),
        slice_index=index,
        display_window=PRESETS["lung"],
        model_windows=(PRESETS["lung"],),
        region=Region(box, "model"),
        steps=steps,
        answer=answer,
        answer_checks=check(answer or "", evidence),
        raw_reply="<think>…</think>",
        evidence=evidence,
        model=MODEL,
        timing=Timing(1.0, 0.5, 2.0, 100, 50.0),
    )
    return Finding("f-0001", explanation, AT, judgement)


def errors_of(made: Dataset, folder: Path) -> list[str]:
    """What dciodvfy reports as errors."""
    tool = needed("dciodvfy", "dicom3tools")
    path = saved(made, folder)
    done = subprocess.run([tool, str(path)], capture_output=True, text=True, errors="replace", check=False)
    return [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error")]


def saved(made: Dataset, folder: Path) -> Path:
    path = folder / f"{made.SOPInstanceUID}.dcm"
    made.save_as(path, enforce_file_format=True)
    return path


def needed(tool: str, package: str) -> str:
    """Where a tool is; skips where it is not installed."""
    found = shutil.which(tool)
    if found is None:
        pytest.skip(f"{tool} is not installed (Debian package {package})")
    return found
