"""Writes a finding as one line of text, without the patient."""

from __future__ import annotations

from medreason_viewer.findings.finding import Finding
from medreason_viewer.volume.ct import CtVolume


class Sentence:
    """The answer, where it is, and that it is for research."""

    contract = 1
    what = "One sentence"
    suffix = ".txt"

    def export(self, finding: Finding, volume: CtVolume, slice_index: int) -> bytes:
        """As UTF-8."""
        verdict = finding.judgement.verdict if finding.judgement else "not judged"
        slices = len(volume.series.frames)
        text = f"{finding.answer} on slice {slice_index} of {slices} ({verdict}). Research use only.\n"
        return text.encode()
