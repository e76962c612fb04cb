"""A picture of a finding as a secondary capture image."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from highdicom.sc import SCImage
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from pydicom.valuerep import DA, TM

from .exhibit import Exhibit
from .origin import as_they_are, complete, series_of_its_own


@as_they_are()
def secondary_capture(shown: Exhibit, picture: NDArray[np.uint8], at: datetime) -> SCImage:
    """The picture, with a reference to the image it shows.

    Parameters
    ----------
    picture : array of uint8, shape (row, col, 3)
        Red, green, blue; the notice is burnt in, the patient is not. Which way it lies is the slice's own.
    """
    header, letters = shown.header, shown.plane.letters()
    made = SCImage.from_ref_dataset(
        header.dataset,
        pixel_array=picture,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=(letters.right[0], letters.bottom[0]),
        transfer_syntax_uid=ExplicitVRLittleEndian,
        **series_of_its_own("OT", at, "picture"),
    )
    made.PatientOrientation = [letters.right, letters.bottom]  # highdicom takes no oblique ones
    made.ConversionType = "WSD"
    made.BurnedInAnnotation = "NO"
    made.DerivationDescription = shown.standing
    made.DateOfSecondaryCapture, made.TimeOfSecondaryCapture = DA(at.date()), TM(at.time())
    source = Dataset()
    source.ReferencedSOPClassUID = header.dataset.SOPClassUID
    source.ReferencedSOPInstanceUID = header.dataset.SOPInstanceUID
    made.SourceImageSequence = [source]
    header.name_frame(made.SourceImageSequence)
    made.copy_patient_and_study_information(header.dataset)
    complete(made, at)
    return made
