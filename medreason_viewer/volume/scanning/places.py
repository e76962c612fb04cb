"""Several images at one place: copies are dropped, phases told apart where the headers tell."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations, pairwise
from typing import Final

import numpy as np

from ..dicom import names
from ..dicom.headers import Header
from ..dicom.pixel_digest import copies
from ..stack import SAME_PLACE_MM, positions_along
from .grouping import Part, named

_Key = tuple[str, Callable[[Header], Hashable]]


def _by_tag(name: str, *tags: int) -> _Key:
    return name, lambda header: tuple(header.tags.text(tag) for tag in tags)


def _by_dimension(number: int) -> _Key:
    """One of the indices that an enhanced image gives each frame; those of places tell no phases apart."""
    return f"dimension {number + 1}", lambda header: header.tags.parts(names.DIMENSION_VALUES)[number:][:1]


_MOST_DIMENSIONS: Final = 5  # stack, time, two kinds of phase, and the place itself
_KEYS: Final[tuple[_Key, ...]] = (
    _by_tag("acquisition number", names.ACQUISITION_NUMBER),
    _by_tag("temporal position", names.TEMPORAL_POSITION),
    _by_tag("time offset", names.TEMPORAL_OFFSET),
    _by_tag("cardiac phase", names.CARDIAC_PHASE),
    _by_tag("trigger time", names.TRIGGER_TIME),
    _by_tag("respiratory phase", names.RESPIRATORY_PHASE),
    _by_tag("stack", names.STACK),
    _by_tag("kernel", names.KERNEL),
    _by_tag("tube voltage", names.KVP),
    _by_tag("image type", names.IMAGE_TYPE),
    _by_tag("slice thickness", names.SLICE_THICKNESS),
    _by_tag("acquisition time", names.ACQUISITION_DATE, names.ACQUISITION_TIME, names.ACQUISITION_DATETIME),
    *(_by_dimension(number) for number in range(_MOST_DIMENSIONS)),
    ("transfer syntax", lambda header: header.tags.transfer_syntax),
)
_WEAVES: Final[tuple[_Key, ...]] = (
    _by_tag("kernel", names.KERNEL),
    _by_tag("tube voltage", names.KVP),
    _by_tag("acquisition number", names.ACQUISITION_NUMBER),
    _by_tag("stack", names.STACK),
)
_LEAST_WOVEN: Final = 3  # images of a group: fewer are an odd header, not a volume


def settle_places(part: Part) -> list[Part]:
    """The part with one image at each place, or one part for each phase."""
    if len(part.headers) < 2 or part.headers[0].pose is None:
        return [part]
    places = _places(part.headers)
    if len(places) == len(part.headers):
        return _woven(part)
    part, places = _without_copies(part, places)
    if len(places) == len(part.headers):
        return _woven(part)
    return _phases(part, places)


def _woven(part: Part) -> list[Part]:
    """One part per kernel, voltage or acquisition where the images of one lie between another's.

    They share no place, so nothing but this tells that they are no single volume. Acquisitions that follow
    each other along the patient, as in step and shoot, are one.
    """
    for name, key in _WEAVES:
        split = _split(part.headers, key)
        if any(_lie_between(*pair) for pair in combinations(split, 2)):
            text = f"Images lie between those of another {name}; they were told apart by it: {{}} of {{}}."
            return [
                Part(tuple(piece), part.notes).with_note("several_phases", text.format(number, len(split)))
                for number, piece in enumerate(split, start=1)
            ]
    return [part]


def _lie_between(one: list[Header], two: list[Header]) -> bool:
    """Whether most images of the smaller group lie inside the range of the other."""
    few, many = sorted((one, two), key=len)
    if len(few) < _LEAST_WOVEN:
        return False
    along = positions_along([h.pose for h in (*few, *many) if h.pose is not None])
    inner, outer = along[: len(few)], along[len(few) :]
    return bool(((inner > outer.min()) & (inner < outer.max())).mean() > 0.5)


def _places(headers: Sequence[Header]) -> list[list[Header]]:
    """Headers in order along the normal, those at one place together."""
    planes = [header.pose for header in headers if header.pose is not None]
    along = positions_along(planes)
    order = np.argsort(along, kind="stable")
    places = [[headers[order[0]]]]
    for before, after in pairwise(order):
        if along[after] - along[before] > SAME_PLACE_MM:
            places.append([])
        places[-1].append(headers[after])
    return places


def _without_copies(part: Part, places: list[list[Header]]) -> tuple[Part, list[list[Header]]]:
    dropped = [copy for place in places for spot in _spots(place) for copy in copies(spot)]
    if not dropped:
        return part, places
    gone = set(map(id, dropped))
    kept = [[header for header in place if id(header) not in gone] for place in places]
    rest = replace(part, headers=tuple(header for header in part.headers if id(header) not in gone))
    text = f"{len(dropped)} image(s) are copies of others at the same place and were left out: "
    return rest.with_note("duplicate", f"{text}{named(header.origin for header in dropped)}."), kept


def _spots(place: list[Header]) -> list[list[Header]]:
    """Images of one plane that lie over each other, not side by side."""
    spots: dict[Hashable, list[Header]] = {}
    for header in place:
        plane = header.pose
        spot = tuple(round(mm / SAME_PLACE_MM / 2) for mm in plane.origin_mm) if plane else ()
        spots.setdefault(spot, []).append(header)
    return [spot for spot in spots.values() if len(spot) > 1]


def _phases(part: Part, places: list[list[Header]]) -> list[Part]:
    """One part per phase; where nothing tells them apart, the first image of each place."""
    most = max(map(len, places))
    for name, split in _ways(part.headers, places, most):
        text = f"Several images lie at the same places; they were told apart by {name}: {{}} of {len(split)}."
        return [
            Part(tuple(phase), part.notes).with_note("several_phases", text.format(number))
            for number, phase in enumerate(split, start=1)
        ]
    kept = [min(place, key=_age) for place in places]
    lost = {id(header) for header in part.headers} - {id(header) for header in kept}
    odd = named(header.origin for header in part.headers if id(header) in lost)
    text = f"Several images lie at the same places and nothing tells them apart; left out: {odd}."
    return [replace(part, headers=tuple(kept)).with_note("several_phases", text)]


def _ways(
    headers: Sequence[Header], places: list[list[Header]], most: int
) -> Iterator[tuple[str, list[list[Header]]]]:
    """Ways of telling phases apart that leave one image at each place, the plainest first."""
    keys = [*_KEYS, *(_both(*pair) for pair in combinations(_KEYS[:-1], 2))]
    for most_parts in (most, 3 * most):
        for name, key in keys:
            split = _split(headers, key)
            if most <= len(split) <= most_parts and _all_alone(split):
                yield name, split
    by_time = _by_time(places)
    if by_time is not None:
        yield "time", by_time


def _both(one: _Key, two: _Key) -> _Key:
    return f"{one[0]} and {two[0]}", lambda header: (one[1](header), two[1](header))


def _split(headers: Sequence[Header], key: Callable[[Header], Hashable]) -> list[list[Header]]:
    parts: dict[Hashable, list[Header]] = {}
    for header in headers:
        parts.setdefault(key(header), []).append(header)
    return sorted(parts.values(), key=lambda part: min(map(_age, part)))


def _all_alone(parts: list[list[Header]]) -> bool:
    return all(len(_places(part)) == len(part) for part in parts)


def _by_time(places: list[list[Header]]) -> list[list[Header]] | None:
    """The earliest image of each place, the second, and so on; None unless the times at each place differ."""
    phases: list[list[Header]] = [[] for _ in range(max(map(len, places)))]
    for place in places:
        if len({_time(header) for header in place}) < len(place):
            return None
        for phase, header in zip(phases, sorted(place, key=_time), strict=False):
            phase.append(header)
    return phases


def _time(header: Header) -> tuple[str, ...]:
    tags = header.tags
    return tags.text(names.ACQUISITION_DATE), tags.text(names.ACQUISITION_TIME), tags.text(names.CONTENT_TIME)


def _age(header: Header) -> tuple[Hashable, ...]:
    frame = header.frame
    return (*_time(header), frame.instance_number or 0, frame.number, str(header.origin))
