"""Examples: what is asked, what is to be said, and that neither presence nor place is given away."""

from __future__ import annotations

import numpy as np
import pytest

from medreason_viewer.reasoning import zoom
from medreason_viewer.reasoning.bundles.bundle import template
from medreason_viewer.reasoning.bundles.manifest import Manifest
from medreason_viewer.reasoning.claims.find import find_claims
from medreason_viewer.reasoning.parse import parse_boxes, parse_reply
from medreason_viewer.volume.geometry import SliceBox
from trainer.data.dataset import DataSet
from trainer.examples import items, regions
from trainer.examples.replies import FINDINGS, NO_FINDING, round_size
from trainer.tuning import dense


def _draws(data: DataSet, manifest: Manifest, turn: items.Turn, count: int) -> list[tuple[int, items.Item]]:
    places = [place % len(data) for place in range(count)]
    return [
        (place, items.make(data, place, turn, manifest, np.random.default_rng([7, draw])))
        for draw, place in enumerate(places)
    ]


def test_locate_is_answered_with_the_truth(phantoms: DataSet, small_manifest: Manifest) -> None:
    for index, item in _draws(phantoms, small_manifest, "locate", 16):
        case = phantoms.cases[index]
        boxes = parse_boxes(item.target, item.image.shape[:2], small_manifest.reply)
        if case.box_slice is None:
            assert item.target == "[]"
            continue
        (box,) = boxes
        back = item.slice_map.box_to_slice(box.box_model)
        assert box.label == case.finding
        np.testing.assert_allclose(back.as_tuple(), case.box_slice.as_tuple(), atol=0.6)


def test_reason_follows_what_the_picture_shows(phantoms: DataSet, small_manifest: Manifest) -> None:
    kinds = set()
    for index, item in _draws(phantoms, small_manifest, "reason", 240):
        case = phantoms.cases[index]
        reply = parse_reply(item.target, item.image.shape[:2], small_manifest.reply)
        assert reply.answer == (case.finding if item.shown else NO_FINDING)
        assert 3 <= len(reply.steps) <= 6
        sides = [
            c.name for step in reply.steps for c in find_claims(step.text) if c.kind == "side" and c.name
        ]
        assert sides == ([case.side] if item.shown else [])
        sizes = [
            c.low
            for step in reply.steps
            for c in find_claims(step.text)
            if c.kind == "size" and c.low == c.high
        ]
        if item.shown and sizes:
            assert sizes == [round_size(case.size_mm or 0)]
        kinds.add((item.region_slice is not None, item.shown))
    assert kinds == {(True, True), (True, False), (False, True), (False, False)}


def test_a_region_is_never_the_truth_and_a_decoy_never_shows_it(
    phantoms: DataSet, small_manifest: Manifest
) -> None:
    shown = decoys = 0
    for index, item in _draws(phantoms, small_manifest, "reason", 240):
        case = phantoms.cases[index]
        if item.region_slice is None or item.composite is None:
            continue
        assert item.region_slice.fits(96, 96)
        crop = item.composite.crop_slice
        assert crop is not None
        inside = phantoms.mask(index)[int(crop.y0) : int(crop.y1), int(crop.x0) : int(crop.x1)]
        if item.shown:
            assert case.box_slice is not None
            held = crop.x0 <= case.box_slice.x0 and crop.y0 <= case.box_slice.y0
            held = held and case.box_slice.x1 <= crop.x1 and case.box_slice.y1 <= crop.y1
            assert held or case.box_slice.iou(item.region_slice) >= regions.LEAST_IOU
            assert case.box_slice != item.region_slice
            shown += 1
        else:
            assert not inside.any()
            decoys += 1
    assert min(shown, decoys) > 30


def test_jitter_spreads_but_never_loses_the_box() -> None:
    box, rng = SliceBox(10, 20, 40, 44), np.random.default_rng(0)
    ious = [box.iou(regions.jittered(box, 96, 96, rng)) for _ in range(400)]
    assert min(ious) >= 0.3
    assert np.percentile(ious, 10) < 0.6 < 0.85 < np.percentile(ious, 90)


def test_same_draw_same_example(phantoms: DataSet, small_manifest: Manifest) -> None:
    one, two = (items.make(phantoms, 1, "reason", small_manifest, np.random.default_rng(9)) for _ in range(2))
    assert one.target == two.target
    np.testing.assert_array_equal(one.image, two.image)


@pytest.mark.parametrize(("size_mm", "said"), [(6.4, 6), (13.1, 14), (41.9, 40), (0.2, 1)])
def test_sizes_are_said_in_round_numbers(size_mm: float, said: int) -> None:
    assert round_size(size_mm) == said


def test_dense_targets_mark_the_lesion_and_its_enlarged_copy() -> None:
    manifest = template("demo")
    hu, mask = np.full((224, 224), -850.0), np.zeros((224, 224), np.bool_)
    mask[140:154, 84:98] = True
    box = SliceBox(84, 140, 98, 154)
    picture = zoom.composite(hu, box, manifest)
    item = items.Item("reason", picture.image, [], "", picture.slice_map, picture, box, shown=True)
    found = dense.target(item, mask, dense.label_of("nodule", FINDINGS), box.as_tuple())
    np.testing.assert_array_equal(np.argwhere(found.boxed), [[5, 3]])  # 140 / 28, 84 / 28
    np.testing.assert_allclose(found.box_model, box.as_tuple())
    np.testing.assert_array_equal(found.cells[5, 3].reshape(4, 4)[:2, :2], 1)
    assert found.cells[5, 3].sum() == 4
    # The inset lies at the top right, three patches wide; the lesion is at its middle.
    assert found.finding[1, 6] == found.finding[5, 3] == FINDINGS.index("nodule") + 1
    assert (found.finding[:3, :5] == 0).all()
