"""Plug-in points: packages that are installed beside the program and add to it.

The room lies between the window and the rooms that the contract speaks of, so that all of them stay free of
plug-ins, and the command line may use them without a window.

A plug-in is a Python package with an entry point in one of these groups, whose value is a class (or function)
that is called without arguments and gives the object described in :mod:`.contract`::

    [project.entry-points."medreason_viewer.exporters"]
    fhir = "our_package.fhir:Observation"

=============================== ============= ==========================================================
group                           protocol      what it adds
=============================== ============= ==========================================================
``medreason_viewer.readers``    ``Reader``    a file format: files are turned into ones that are read
``medreason_viewer.explainers`` ``Explainer`` another way to explain a region, beside the model's process
``medreason_viewer.exporters``  ``Exporter``  a kind of file that an explained region is written as
``medreason_viewer.panels``     ``Panel``     a panel beside the image, told what is shown
=============================== ============= ==========================================================

Every object says with ``contract = 1`` which version of the contract it keeps. The version grows when a
method or a field is changed or taken away, not when one is added that a plug-in may ignore; a plug-in of
another version is left out with a sentence. So is one that cannot be loaded or lacks a part. An
error that a plug-in lets out of a call becomes a
:class:`~medreason_viewer.errors.PluginError`, a sentence for the reader; the log gets the error's kind
alone, for its text may name a patient.

A plug-in is code with all the rights of the program: installing one is a decision of whoever runs the
workstation, and ``medreason-viewer --without-plugins`` starts without any. On the command line ``medreason
info``, ``explain --explainer NAME`` and ``export --to NAME`` use them, unless told ``--no-plugins``. Where it
adds to what is said of a patient, it keeps the program's laws: geometry from the images, nothing invented,
nothing sent unasked.
"""

from .contract import CONTRACT, Client, Explainer, Exporter, Panel, Reader, Shown
from .explaining import GuardedClient, explain_with
from .installed import Installed, Plugin, installed
from .reading import scan_with

__all__ = [
    "CONTRACT",
    "Client",
    "Explainer",
    "Exporter",
    "GuardedClient",
    "Installed",
    "Panel",
    "Plugin",
    "Reader",
    "Shown",
    "explain_with",
    "installed",
    "scan_with",
]
