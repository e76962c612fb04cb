"""A finding as a structured report (TID 1500): region, measurements, answer, reasoning and verdict."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final, TypeVar

from highdicom.sr import (
    AlgorithmIdentification,
    CodedConcept,
    ComprehensiveSR,
    DeviceObserverIdentifyingAttributes,
    GraphicTypeValues,
    ImageRegion,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    PersonObserverIdentifyingAttributes,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    RelationshipTypeValues,
    SourceImageForMeasurementGroup,
    SourceImageForRegion,
    TextContentItem,
    TrackingIdentifier,
)
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from ... import __version__
from ...reasoning.request import Check, Explanation, FollowUpAnswer, Statistics
from ..finding import Finding, Judgement
from . import codes as ours
from .coordinates import Outline, box_outline, closed_line
from .exhibit import Exhibit
from .header import SourceHeader
from .origin import (
    MANUFACTURER,
    MODEL,
    NOT_STATED,
    NOTICE,
    as_they_are,
    complete,
    local_time,
    model_name,
    model_parameters,
    model_version,
    named_uid,
    series_of_its_own,
)
from .text import one_line, paragraphs, person_name

Group = PlanarROIMeasurementsAndQualitativeEvaluations | MeasurementsAndQualitativeEvaluations
Image = TypeVar("Image", SourceImageForMeasurementGroup, SourceImageForRegion)
_WORDS: Final = {"agrees": "agrees", "contradicts": "CONTRADICTS", "not_checkable": "not checkable"}


@as_they_are()
def structured_report(shown: Exhibit, at: datetime) -> ComprehensiveSR:
    """The report of one finding; UNVERIFIED until a reader accepted or corrected it.

    Parameters
    ----------
    at : datetime
        When it is made, with its time zone.
    """
    judged = shown.finding.judgement
    verified = judged is not None and judged.verdict != "rejected"
    header = shown.header.dataset
    organization = str(header.get("InstitutionName", "")) or NOT_STATED
    made = ComprehensiveSR(
        evidence=[header],
        content=_content(shown, at),
        is_complete=True,
        is_final=verified,
        is_verified=verified,
        verifying_observer_name=person_name(judged.reader) if judged and verified else None,
        verifying_organization=organization if verified else None,
        coding_schemes=[ours.our_scheme()],
        **series_of_its_own("SR", at, "finding"),
    )
    if judged and verified:
        made.VerifyingObserverSequence[0].VerificationDateTime = local_time(judged.at, at)
    complete(made, at)
    return made


def _content(shown: Exhibit, at: datetime) -> MeasurementReport:
    return MeasurementReport(
        observation_context=_observers(shown.finding),
        procedure_reported=codes.cid100.CTUnspecifiedBodyRegion,
        imaging_measurements=list(_groups(shown, at)),
    )


def _observers(finding: Finding) -> ObservationContext:
    device = DeviceObserverIdentifyingAttributes(
        uid=named_uid(f"{MODEL} {__version__}"),
        name=model_name(finding.explanation.model),
        manufacturer_name=MANUFACTURER,
        model_name=f"{MODEL} {__version__}",
    )
    person = None
    if finding.judgement is not None:
        reader = PersonObserverIdentifyingAttributes(name=person_name(finding.judgement.reader))
        person = ObserverContext(codes.DCM.Person, reader)
    return ObservationContext(
        observer_person_context=person, observer_device_context=ObserverContext(codes.DCM.Device, device)
    )


def _groups(shown: Exhibit, at: datetime) -> Iterator[Group]:
    box, evidence = shown.finding.box_slice, shown.evidence
    name = f"finding {shown.finding.id}"
    if box is None or evidence is None:
        main: Group = MeasurementsAndQualitativeEvaluations(
            source_images=[_image(SourceImageForMeasurementGroup, shown.header)],
            tracking_identifier=_tracking(name),
            algorithm_id=_algorithm(shown.finding),
            finding_type=_finding_type(shown.finding),
            qualitative_evaluations=_evaluations(shown),
        )
    else:
        main = _planar(shown, name, box_outline(box), evidence.box, _evaluations(shown))
    main[0].ObservationDateTime = local_time(shown.finding.made_at, at)
    main[0].ContentSequence.extend(_texts(shown.finding))
    yield main
    if evidence is not None and evidence.lesion is not None and evidence.lesion_outline_slice:
        outline = evidence.lesion_outline_slice
        yield _planar(shown, f"lesion of {name}", outline, evidence.lesion, None)


def _planar(
    shown: Exhibit,
    name: str,
    outline: Outline,
    found: Statistics,
    evaluations: list[QualitativeEvaluation] | None,
) -> PlanarROIMeasurementsAndQualitativeEvaluations:
    return PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(name),
        referenced_region=_region(shown.header, outline),
        finding_type=_finding_type(shown.finding),
        algorithm_id=_algorithm(shown.finding),
        measurements=list(_measurements(found, in_hu=shown.in_hu)),
        qualitative_evaluations=evaluations,
    )


def _region(header: SourceHeader, outline: Outline) -> ImageRegion:
    return ImageRegion(GraphicTypeValues.POLYLINE, closed_line(outline), _image(SourceImageForRegion, header))


def _image(kind: type[Image], header: SourceHeader) -> Image:
    frames = [header.frame_number] if header.multi_frame else None
    return kind(header.dataset.SOPClassUID, header.dataset.SOPInstanceUID, frames)


def _tracking(name: str) -> TrackingIdentifier:
    return TrackingIdentifier(uid=named_uid(name), identifier=one_line(name, 1024))


def _algorithm(finding: Finding) -> AlgorithmIdentification:
    model = finding.explanation.model
    return AlgorithmIdentification(
        name=model_name(model),
        version=model_version(model),
        parameters=model_parameters(model),
        family=codes.DCM.ArtificialIntelligence,
    )


def _finding_type(finding: Finding) -> CodedConcept | None:
    return ours.concept(ours.answer_code(finding.answer)) if finding.answer else None


def _measurements(found: Statistics, *, in_hu: bool) -> Iterator[Measurement]:
    name, unit = codes.DCM.AttenuationCoefficient, codes.UCUM.HounsfieldUnit
    if not in_hu:
        name, unit = ours.PIXEL_VALUE, codes.UCUM.NoUnits
    for value, derivation in (
        (found.mean_hu, codes.SCT.Mean),
        (found.sd_hu, codes.SCT.StandardDeviation),
        (found.min_hu, codes.SCT.Minimum),
        (found.max_hu, codes.SCT.Maximum),
    ):
        yield Measurement(name, value, unit, derivation=derivation)
    for length, name, unit in (
        (found.area_mm2, codes.SCT.Area, codes.UCUM.SquareMillimeter),
        (found.long_axis_mm, codes.SCT.LongAxis, codes.UCUM.Millimeter),
        (found.short_axis_mm, codes.SCT.ShortAxis, codes.UCUM.Millimeter),
    ):
        if length is not None:
            yield Measurement(name, length, unit)


def _evaluations(shown: Exhibit) -> list[QualitativeEvaluation]:
    finding, found = shown.finding, list[tuple[Code, Code]]()
    if finding.answer:
        found.append((ours.ANSWER, ours.answer_code(finding.answer)))
    verdict = ours.VERDICTS[finding.judgement.verdict] if finding.judgement else ours.NOT_JUDGED
    found.append((ours.VERDICT, verdict))
    if shown.evidence is not None and shown.evidence.side is not None:
        found.append((codes.SCT.Laterality, ours.SIDES[shown.evidence.side]))
    return [QualitativeEvaluation(ours.concept(name), ours.concept(value)) for name, value in found]


def _texts(finding: Finding) -> Iterator[TextContentItem]:
    made = finding.explanation
    yield _text(codes.DCM.Comment, NOTICE)
    for warning in made.warnings:
        yield _text(codes.DCM.Comment, warning)
    if finding.answer:
        yield _text(ours.ANSWER, finding.answer)
    elif made.answer is None:
        yield _text(codes.DCM.Comment, f"The model's reply could not be read. It said:\n{made.raw_reply}")
    if finding.judgement is not None:
        yield from _judgement(finding.judgement, made.answer)
    for step in made.steps:
        yield _text(ours.REASONING_STEP, step.text)
        yield from map(_check, step.checks)
    yield from map(_check, made.answer_checks)
    for further in made.follow_ups:
        yield from _further(further, made)


def _further(asked: FollowUpAnswer, made: Explanation) -> Iterator[TextContentItem]:
    yield _text(ours.QUESTION, asked.question)
    for warning in asked.warnings:
        if warning not in made.warnings:
            yield _text(codes.DCM.Comment, warning)
    if asked.answer is None:
        yield _text(codes.DCM.Comment, f"The reply could not be read. It said:\n{asked.raw_reply}")
    else:
        yield _text(ours.FURTHER_ANSWER, asked.answer)
    for step in asked.steps:
        yield _text(ours.REASONING_STEP, step.text)
        yield from map(_check, step.checks)
    yield from map(_check, asked.answer_checks)


def _judgement(judged: Judgement, model_answer: str | None) -> Iterator[TextContentItem]:
    if judged.reason:
        yield _text(ours.REASON, judged.reason)
    if judged.text:
        yield _text(ours.READERS_TEXT, judged.text)
    if judged.answer != model_answer:
        yield _text(
            codes.DCM.Comment, f"The model's own answer was: {model_answer or 'none that can be read'}"
        )


def _check(check: Check) -> TextContentItem:
    return _text(ours.CHECK, f"“{check.claim}”: {_WORDS[check.verdict]} ({check.measured})")


def _text(name: Code, value: str) -> TextContentItem:
    return TextContentItem(
        ours.concept(name), paragraphs(value) or NOT_STATED, RelationshipTypeValues.CONTAINS
    )
