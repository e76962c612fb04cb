"""Plug-ins with every fault there is; their errors name a patient, which no log may show."""

from __future__ import annotations

import sys

from medreason_viewer.reasoning.request import ModelInfo

PATIENT = "DOE^JANE"


class RaisingReader:
    contract = 1
    suffixes = (".bad", ".dcm", "", "x")

    def convert(self, path, folder, cancel):
        raise RuntimeError(PATIENT)


class WrongSuffixes(RaisingReader):
    suffixes = 4


class RaisingExplainer:
    contract = 1
    model = ModelInfo("Broken", "", "", "", "none", "nothing", "None.")

    def client(self, on_event):
        return self

    def start(self):
        raise KeyError(PATIENT)

    def explain(self, request):
        raise ZeroDivisionError(PATIENT)

    cancel = close = explain


def exits():
    sys.exit(PATIENT)


class Future:
    contract = 2


class Twin:
    contract = 1
    what, suffix = "Twin", ".txt"

    def export(self, finding, volume, slice_index):
        return b""


class RaisingExporter(Twin):
    def export(self, finding, volume, slice_index):
        raise LookupError(PATIENT)


class NoContract:
    title = "No contract"


class NoWidget:
    contract = 1
    title = "No widget"

    def widget(self):
        return PATIENT

    def show(self, shown):
        pass


class RaisingPanel(NoWidget):
    title = "Raises"

    def widget(self):
        raise OSError(PATIENT)
