"""3D Slicer: open the volume that is shown in MedReason Viewer, at the point that is looked at.

A scripted module. In Slicer, add its folder under Edit > Application Settings > Modules > Additional module
paths, and restart. It hands over a ``medreason://`` link (``installers/links.md``): UIDs, a place, and the
folder on this machine. Nothing goes over a network; a patient is named only where the folder's path does.
"""

from pathlib import Path
from urllib.parse import quote

import qt
import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModule, ScriptedLoadableModuleWidget

STUDY, SERIES = "0020,000D", "0020,000E"


class OpenInMedReason(ScriptedLoadableModule):
    """What Slicer lists."""

    def __init__(self, parent):
        super().__init__(parent)
        parent.title = "Open in MedReason Viewer"
        parent.categories = ["Informatics"]
        parent.dependencies = []
        parent.contributors = ["The MedReason Viewer authors"]
        parent.helpText = (
            "Opens the chosen volume in MedReason Viewer, where a region of it can be explained."
        )
        parent.acknowledgementText = "Research use only: neither program is for diagnosis here."


class OpenInMedReasonWidget(ScriptedLoadableModuleWidget):
    """A choice of volume, and a button."""

    def setup(self):
        super().setup()
        self.volumes = slicer.qMRMLNodeComboBox()
        self.volumes.nodeTypes = ["vtkMRMLScalarVolumeNode"]
        self.volumes.addEnabled = self.volumes.removeEnabled = self.volumes.renameEnabled = False
        self.volumes.noneEnabled = False
        self.volumes.setMRMLScene(slicer.mrmlScene)
        self.button = qt.QPushButton("Open in MedReason Viewer")
        self.button.connect("clicked()", self.open)
        self.layout.addWidget(self.volumes)
        self.layout.addWidget(self.button)
        self.layout.addStretch(1)

    def open(self):
        """Hand the link to the system, which starts the viewer or brings it to the front."""
        volume = self.volumes.currentNode()
        link = link_to(volume, slicer.dicomDatabase, looked_at_ras()) if volume else ""
        if not link:
            slicer.util.errorDisplay("This volume came from no file, so there is nothing to open elsewhere.")
        elif not qt.QDesktopServices.openUrl(qt.QUrl(link)):
            slicer.util.errorDisplay("No program takes medreason:// links: run installers/shortcut.py first.")


def looked_at_ras():
    """The middle of the red slice, in Slicer's own mm (RAS)."""
    to_ras = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceNode().GetSliceToRAS()
    return tuple(to_ras.GetElement(axis, 3) for axis in range(3))


def link_to(volume, database, point_ras):
    """The link for a volume; empty where it lies in no file.

    Slicer counts to the right, the front and the head (RAS), DICOM to the left, the back and the head (LPS).
    """
    right, front, head = point_ras
    parts = {"goto": f"{-right:.3f},{-front:.3f},{head:.3f}"}
    uids = (volume.GetAttribute("DICOM.instanceUIDs") or "").split()
    if uids:
        parts["study"] = database.instanceValue(uids[0], STUDY)
        parts["series"] = database.instanceValue(uids[0], SERIES)
        file = database.fileForInstance(uids[0])
        parts["path"] = str(Path(file).parent) if file else ""
    else:
        storage = volume.GetStorageNode()
        parts["path"] = (storage.GetFullNameFromFileName() or "") if storage else ""
    if not (parts.get("study") or parts["path"]):
        return ""
    said = (f"{name}={quote(value, safe='/,')}" for name, value in parts.items() if value)
    return f"medreason://open?{'&'.join(said)}"
