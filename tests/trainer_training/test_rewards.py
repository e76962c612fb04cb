"""Each reward on good and bad replies."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from grpo_data import BOX, DEMO, boxes, normal, said, truth

from medreason_viewer.reasoning import zoom
from medreason_viewer.reasoning.prompt import write_boxes, write_reply
from trainer.examples.replies import FINDINGS, NO_FINDING, steps_for
from trainer.grpo.plan import without_thinking
from trainer.grpo.rewards import REWARDS, Truth, Weights, correctness, validation, well_formed

GOOD = said("There is a small round nodule in the right lung. Its density is solid.", "nodule")
RIGHT_PLACE = (40, 80, 120, 160)  # BOX in model pixels
NOISE = ("", "nodule", "<answer> nodule", "<think> a </think> nodule", "[[1, 2, 3, 4]]")


@pytest.mark.parametrize("reply", NOISE)
@pytest.mark.parametrize("judged", [truth(), truth("locate"), normal(), normal("locate")])
def test_what_the_parser_refuses_earns_nothing(reply: str, judged: Truth) -> None:
    assert [score(reply, judged) for score in REWARDS.values()] == [0, 0, 0]


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        ("nodule", 1),
        ("Nodule.", 1),
        ("a nodule", 0.5),
        ("pulmonary nodules", 0.5),
        ("mass", 0),
        ("nodule or mass", 0),
        ("no finding", 0),
        ("something", 0),
    ],
)
def test_answers(answer: str, score: float) -> None:
    assert correctness(said("Something.", answer), truth()) == score


def test_a_class_is_not_named_by_a_longer_one() -> None:
    longer = dataclasses.replace(DEMO, answer_classes=(*DEMO.answer_classes, "ground-glass nodule"))
    assert correctness(said("Something.", "a ground-glass nodule"), truth(manifest=longer)) == 0


@pytest.mark.parametrize(
    ("reply", "judged", "score"),
    [
        (boxes(RIGHT_PLACE), truth("locate"), 1),
        (boxes(RIGHT_PLACE, label="mass"), truth("locate"), 0),
        (boxes(RIGHT_PLACE, RIGHT_PLACE), truth("locate"), 0.5),
        ("[]", truth("locate"), 0),
        ("[]", normal("locate"), 1),
        (boxes(RIGHT_PLACE), normal("locate"), 0),
    ],
)
def test_labels_of_located_regions(reply: str, judged: Truth, score: float) -> None:
    assert correctness(reply, judged) == score


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        (GOOD, 1),
        (said("Something.", "a nodule"), 0),
        ("<answer> nodule </answer>", 0),
        (GOOD + " And more.", 0),
        (GOOD.replace("</think>", ""), 0),
        (said("", "nodule"), 0),
    ],
)
def test_the_format(reply: str, score: float) -> None:
    assert well_formed(reply, truth()) == score


def test_without_thinking_a_thought_breaks_the_format() -> None:
    judged = truth(manifest=without_thinking(DEMO))
    assert well_formed("<answer> nodule </answer>", judged) == 1
    assert well_formed(GOOD, judged) == 0
    assert validation("<answer> nodule </answer>", judged) == 1


@pytest.mark.parametrize(
    ("reply", "judged", "score"),
    [
        (boxes(RIGHT_PLACE), truth("locate"), 1),
        (boxes((40, 80, 120, 120)), truth("locate"), 0.5),  # the upper half
        (boxes(RIGHT_PLACE, (0, 0, 20, 20)), truth("locate"), 0.5),
        (boxes((0, 0, 20, 20)), truth("locate"), 0),
        (boxes((200, 80, 280, 160)), truth("locate"), 0),  # off the image
        ("[]", truth("locate"), 0),
        ("[]", normal("locate"), 1),
        (boxes(RIGHT_PLACE), normal("locate"), 0),
    ],
)
def test_places_of_located_regions(reply: str, judged: Truth, score: float) -> None:
    assert validation(reply, judged) == pytest.approx(score)


def test_two_lesions_are_matched_one_to_one() -> None:
    two = truth("locate", boxes_slice=(BOX, zoom.SliceBox(80, 40, 100, 60)))
    second = (160, 80, 200, 120)
    assert validation(boxes(second, RIGHT_PLACE), two) == pytest.approx(1)
    assert validation(boxes(second, second), two) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("reply", "parts"),
    [
        (GOOD, (1, 1, 1)),
        (said("Something.", "nodule"), (1, 1, 0.5)),  # silence
        (said("There is a nodule in the left lung.", "nodule"), (1, 1, 0)),
        (said("There is a nodule in the right lung. It measures about 40 mm.", "nodule"), (1, 1, 0.5)),
        (said("There is a mass in the right lung.", "nodule"), (1, 0, 1)),
        (said("No mass is seen. A nodule in the right lung.", "nodule"), (1, 1, 1)),
        (said("Nothing stands out in the right lung: no finding.", "nodule"), (1, 0, 0.5)),
        (said('See {"bbox_2d": [300, 0, 400, 20]}. It is in the right lung.', "nodule"), (0, 1, 1)),
        (said('See {"bbox_2d": [40, 80, 120, 120]} in the right lung.', "nodule"), (1, 0.5, 1, 1)),
    ],
)
def test_reasoning(reply: str, parts: tuple[float, ...]) -> None:
    assert validation(reply, truth()) == pytest.approx(np.mean(parts))


def test_a_region_in_the_inset_means_what_the_inset_shows() -> None:
    hu = np.full((112, 112), -800.0)
    picture = zoom.composite(hu, BOX, DEMO)
    inset, crop = picture.inset_model, picture.crop_slice
    assert inset is not None
    assert crop is not None
    scale = (inset.x1 - inset.x0) / (crop.x1 - crop.x0)
    x0, y0 = inset.x0 + (BOX.x0 - crop.x0) * scale, inset.y0 + (BOX.y0 - crop.y0) * scale
    side = (BOX.x1 - BOX.x0) * scale
    step = f'See {{"bbox_2d": [{x0}, {y0}, {x0 + side}, {y0 + side}]}} in the right lung.'
    assert validation(said(step, "nodule"), truth(picture=picture)) == pytest.approx(1)


@pytest.mark.parametrize("finding", FINDINGS)
def test_what_fine_tuning_teaches_contradicts_nothing(finding: str) -> None:
    """The sentences of the phantoms assert the finding that they end in, whatever they deny."""
    from trainer.data.case import Case

    box = None if finding == NO_FINDING else BOX
    case = Case("p", finding, box, "right", "carina", 12.0, (1.0, 1.0), "phantom", "Apache-2.0")
    for seed in range(8):
        rng = np.random.default_rng(seed)
        reply = write_reply(steps_for(case, shown=True, zoomed=True, rng=rng), finding, DEMO)
        judged = truth(answer=finding, evidence=None)
        assert [score(reply, judged) for score in REWARDS.values()] == [1, 1, 1]


def test_what_fine_tuning_teaches_of_places_is_right() -> None:
    from grpo_data import MAP

    reply = write_boxes([(BOX, "nodule")], MAP, DEMO)
    assert [score(reply, truth("locate")) for score in REWARDS.values()] == pytest.approx([1, 1, 1])


def test_weights() -> None:
    assert Weights(1, 2, 3).as_list() == [1, 2, 3]
    for wrong in ((-1, 1, 1), (0, 0, 0)):
        with pytest.raises(ValueError, match="weights"):
            Weights(*wrong)
