"""What a sentence does not plainly say of the region gets no verdict; what it does say, gets one.

A false *contradicts* or *agrees* is the worst this program can show, so sentences here are of the kind that
models write and that a word list alone misreads.
"""

from __future__ import annotations

import pytest

from medreason_viewer.reasoning.evidence import check
from medreason_viewer.reasoning.request import Evidence
from medreason_viewer.volume.measure import Statistics

BOX = Statistics(-300.0, 300.0, -900.0, 300.0, 300, 300.0, 20.0, 20.0)


def lesion(mean_hu: float, max_hu: float) -> Evidence:
    """Something of 14 x 10 mm on the left."""
    return Evidence(BOX, Statistics(mean_hu, 20.0, mean_hu - 60, max_hu, 100, 100.0, 14.0, 10.0), "left")


SOLID, GGO, AIR, CALC, FLUID = (
    lesion(20, 80),
    lesion(-600, -300),
    lesion(-970, -850),
    lesion(250, 600),
    lesion(10, 60),
)


def verdicts(text: str, evidence: Evidence) -> set[str]:
    return {each.verdict for each in check(text, evidence)}


@pytest.mark.parametrize(
    ("text", "evidence"),
    [
        ("There is no evidence of any suspicious pulmonary nodule in the right lung.", SOLID),
        ("No evidence of a nodule in the right lung.", SOLID),
        ("The nodule lies to the right of the aorta.", SOLID),
        ("The lesion lies right next to the aorta.", SOLID),
        ("The mediastinum is shifted to the right.", SOLID),
        ("The normal right lung is seen for comparison.", SOLID),
        ("On the right of the image there is a nodule.", SOLID),
        ("On the image's right side there is a nodule.", SOLID),
        ("On the viewer's right there is a nodule.", SOLID),
        ("In the right half of the picture a nodule is seen.", SOLID),
        ("Right-to-left shunt is absent.", SOLID),
        ("Is the nodule in the right lung?", SOLID),
        ("If the nodule were in the right lung, biopsy would be easier.", SOLID),
        ("The nodule may be in the right lung.", SOLID),
        ("Either the right or the left lung.", SOLID),
        ("A prior right lobectomy was done.", SOLID),
        ("Right upper lobectomy changes.", SOLID),
        ("Patient lies in right lateral decubitus.", SOLID),
        ("The nodule abuts the right atrium.", SOLID),
        ("The trachea deviates to the right.", SOLID),
        ("It lies 40 mm above the diaphragm.", SOLID),
        ("It lies within 50 mm of the carina.", SOLID),
        ("It lies 40 mm below the carina.", SOLID),
        ("It lies 5 mm beneath the pleura.", SOLID),
        ("It lies 5 mm lateral to the aorta.", SOLID),
        ("Slices are 5 mm.", SOLID),
        ("The 1 mm reconstruction shows a nodule.", SOLID),
        ("Previously it measured 6 mm.", SOLID),
        ("Its area is 140 mm^2.", SOLID),
        ("Its area is 140 square mm.", SOLID),
        ("Volume 500 mm3.", SOLID),
        ("If larger than 30 mm it would be a mass.", SOLID),
        ("Nodules larger than 30 mm are called masses.", SOLID),
        ("By definition a nodule is smaller than 30 mm.", SOLID),
        ("The wall is 2 mm thick.", SOLID),
        ("A wall thickness of 2 mm.", SOLID),
        ("The field of view is 350 mm.", SOLID),
        ("It enhances by 100 HU.", SOLID),
        ("An increase of 90 HU after contrast.", SOLID),
        ("Calcium would exceed 130 HU.", SOLID),
        ("Fat typically measures -100 HU.", SOLID),
        ("SD of 200 HU.", SOLID),
        ("standard deviation 200 HU", SOLID),
        ("noise of 100 HU", SOLID),
        ("The difference is 100 HU.", SOLID),
        ("It is denser than the air around it.", SOLID),
        ("Is it calcified?", SOLID),
        ("It might be calcified.", SOLID),
        ("A calcified granuloma is in the differential.", SOLID),
        ("The patient has a pleural effusion elsewhere.", AIR),
        ("Normal.", SOLID),
        ("The vessel is normal in calibre.", SOLID),
        ("solid? no.", SOLID),
    ],
)
def test_what_is_not_said_of_the_region_gets_no_verdict(text: str, evidence: Evidence) -> None:
    assert verdicts(text, evidence) == {"not_checkable"}


@pytest.mark.parametrize(
    ("text", "evidence"),
    [
        ("It lies 30 mm to the left of the midline.", SOLID),
        ("In contrast to the right lung, the left shows a nodule.", SOLID),
        ("The left lung contains a nodule, the right does not.", SOLID),
        ("The lesion crosses the midline.", SOLID),
        ("The nodule is close to the midline.", SOLID),
        ("Not in the right lung but in the left.", SOLID),
        ("The nodule is not in the right lung.", SOLID),
        ("The left lower lobe shows a nodule; the right is clear.", SOLID),
        ("It measures 1.4 cm.", SOLID),
        ("It measures 1,4 cm.", SOLID),
        ("It measures 14 mm x 10 mm.", SOLID),
        ("It measures 14 x 10 x 12 mm.", SOLID),
        ("It is 40 mm deep.", SOLID),
        ("It has grown from 6 mm to 14 mm.", SOLID),
        ("It ranges from 5 mm to 20 mm.", SOLID),
        ("It measures between 10 and 15 mm.", SOLID),
        ("It measures 12-15 mm.", SOLID),
        ("It is less than or equal to 15 mm.", SOLID),
        ("It is not larger than 15 mm.", SOLID),
        ("It exceeds 8 mm.", SOLID),
        ("It is >8 mm.", SOLID),
        ("The short axis is 10 mm.", SOLID),
        ("The short axis measures 10 mm.", SOLID),
        ("It is 14mm in long axis and 10mm in short axis.", SOLID),
        ("It is 14 mm long and 10 mm wide.", SOLID),
        ("It is 14 millimetres across.", SOLID),
        ("Mean attenuation is -1,000 HU.", AIR),
        ("HU of -30 to 20.", SOLID),
        ("HU values range from -700 to -500.", GGO),
        ("Attenuation -30 to 20 HU.", SOLID),
        ("Attenuation of -700--500 HU.", GGO),
        ("Attenuation of −700 to −500 HU.", GGO),
        ("Maximum of 80 HU.", SOLID),
        ("The peak density is 600 HU.", CALC),
        ("The minimum is -40 HU.", SOLID),
        ("about 20 HU", SOLID),
        ("+20 HU", SOLID),
        ("HU = 20", SOLID),
        ("The nodule is solid.", SOLID),
        ("A non-solid nodule.", GGO),
        ("Not without calcification.", CALC),
        ("It is not uncalcified.", CALC),
        ("The nodule is solid or ground-glass.", SOLID),
        ("Solid versus ground-glass.", SOLID),
        ("A solid nodule with a ground-glass halo.", SOLID),
        ("The halo is ground-glass.", SOLID),
        ("It contains a focus of fat.", SOLID),
        ("It contains small foci of air.", SOLID),
        ("A small bubble of gas is seen inside.", SOLID),
        ("It displaces air.", SOLID),
        ("Higher attenuation than fat.", SOLID),
        ("The density is between air and water.", GGO),
        ("A thin-walled cystic airspace.", AIR),
        ("Cystic bronchiectasis.", AIR),
        ("The fat plane to the chest wall is preserved.", SOLID),
        ("A nodule in emphysematous lung.", SOLID),
        ("A nodule on a background of emphysema.", SOLID),
        ("In a patient with emphysema.", SOLID),
        ("Calcified aortic plaque.", SOLID),
        ("Aortic calcifications are noted.", SOLID),
        ("Calcification is seen in the coronary arteries.", SOLID),
        ("Hazy margins.", SOLID),
        ("Without any convincing evidence of internal fat or calcification.", SOLID),
        ("There is no fat and there is no calcification.", SOLID),
        ("No internal fat, calcification, or air is seen.", SOLID),
        ("It lacks the fat of a hamartoma.", SOLID),
        ("Absence of calcification.", SOLID),
        ("Calcification is not seen.", SOLID),
        ("Neither fat nor calcium.", SOLID),
        ("It rules out calcification.", SOLID),
        ("Calcification can be ruled out.", SOLID),
        ("This argues against fat.", SOLID),
        ("It is unlikely to be calcified.", SOLID),
        ("It is too dense to be fat.", SOLID),
        ("It is too dense to be ground-glass.", SOLID),
        ("It fails to show calcification.", SOLID),
        ("Fluid is less likely.", SOLID),
        ("Pleural effusion is absent.", SOLID),
        ("A small pleural effusion is also present.", AIR),
        ("Air bronchograms are seen.", SOLID),
        ("The airway is patent.", SOLID),
        ("There is air in the oesophagus.", SOLID),
        ("Room air.", SOLID),
        ("Solid organs are normal.", FLUID),
        ("The nodule isn’t calcified.", SOLID),
        ("The nodule has no solid component.", GGO),
        ("A ground-glass nodule with a solid component.", GGO),
        ("**Solid** nodule", SOLID),
        ("The lesion is fluid-filled.", FLUID),
        ("Subcutaneous emphysema.", SOLID),
    ],
)
def test_what_is_true_or_open_is_never_contradicted(text: str, evidence: Evidence) -> None:
    assert "contradicts" not in verdicts(text, evidence)


@pytest.mark.parametrize(
    ("text", "evidence", "verdict"),
    [
        ("The zoom shows a small round nodule in the left lung.", SOLID, "agrees"),
        ("The zoom shows a small round nodule in the right lung.", SOLID, "contradicts"),
        ("There is a dark rim between the right lung and the chest wall.", AIR, "contradicts"),
        ("The image shows a nodule in the right upper lobe.", SOLID, "contradicts"),
        (
            "In this axial slice, a well-defined solid nodule is visible in the left lower lobe.",
            SOLID,
            "agrees",
        ),
        ("A 14 mm solid nodule in the left lower lobe with smooth margins.", SOLID, "agrees"),
        ("A spiculated 30 mm mass in the right hilum.", SOLID, "contradicts"),
        ("The lesion measures approximately 14 x 10 mm in the axial plane.", SOLID, "agrees"),
        ("The lesion is calcified.", SOLID, "contradicts"),
        ("Dense central calcification is present.", CALC, "agrees"),
        ("Ground-glass opacity in the left upper lobe.", GGO, "agrees"),
        ("Ground-glass opacity in the right upper lobe.", GGO, "contradicts"),
        ("The lesion shows ground-glass attenuation without a solid component.", GGO, "agrees"),
        ("Its attenuation is about 20 HU, consistent with soft tissue.", SOLID, "agrees"),
        ("Its attenuation is about -600 HU.", SOLID, "contradicts"),
        ("HU of -700 to -500.", SOLID, "contradicts"),
        ("HU values range from -30 to 40.", SOLID, "agrees"),
        ("There is a left-sided pleural effusion.", FLUID, "agrees"),
        ("Fluid layers dependently in the right pleural space.", FLUID, "contradicts"),
        ("The right-sided pneumothorax is large.", AIR, "contradicts"),
        ("The lesion is located on the patient's right side.", SOLID, "contradicts"),
        ("Located in the LLL.", SOLID, "agrees"),
        ("Located in the RUL.", SOLID, "contradicts"),
        ("Located at the right lung base.", SOLID, "contradicts"),
        ("right lung", SOLID, "contradicts"),
        ("Right.", SOLID, "contradicts"),
        ("right", SOLID, "contradicts"),
        ("It lies on the right, next to the heart.", SOLID, "contradicts"),
        ("It lies 30 mm to the right of the midline.", SOLID, "contradicts"),
        ("The nodule is solid and not calcified.", SOLID, "agrees"),
        ("No calcification, fat, or gas.", CALC, "contradicts"),
        ("No calcification is seen.", CALC, "contradicts"),
        ("The mass is larger than 30 mm.", SOLID, "contradicts"),
        ("It is smaller than 3 cm.", SOLID, "agrees"),
        ("It has a diameter of 1.4 cm.", SOLID, "agrees"),
        ("diameter: 40mm", SOLID, "contradicts"),
        ("Most likely a solid nodule.", SOLID, "agrees"),
        ("The finding is in the left lung, not in the right lung.", SOLID, "agrees"),
        ("Emphysema in the left upper lobe.", AIR, "agrees"),
        ("Consolidation of the right lower lobe.", SOLID, "contradicts"),
        ("It is 0.5 cm to 20 mm.", SOLID, "agrees"),
        ("The region is in the right middle lobe near the fissure, measuring 9 mm.", SOLID, "contradicts"),
        ("A nodule at the right apex.", SOLID, "contradicts"),
        ("Right lung nodule, 14 mm.", SOLID, "contradicts"),
        ("This is a round, solid, 14 mm nodule.", SOLID, "agrees"),
        ("The nodule is of soft tissue density, above 0 HU.", SOLID, "agrees"),
        ("Nodule in the right lung.", SOLID, "contradicts"),
        ("The lesion is on the right side of the chest.", SOLID, "contradicts"),
        ("The lesion is in the right hemithorax.", SOLID, "contradicts"),
        ("There are no calcifications.", CALC, "contradicts"),
        ("The density is fluid.", SOLID, "agrees"),
        ("Homogeneous fat density.", SOLID, "contradicts"),
        ("Nodule: left. Size: 14 mm. Density: solid.", SOLID, "agrees"),
    ],
)
def test_what_is_plainly_said_is_judged(text: str, evidence: Evidence, verdict: str) -> None:
    found = verdicts(text, evidence)
    assert verdict in found
    assert verdict == "contradicts" or "contradicts" not in found


@pytest.mark.parametrize(
    "text",
    [
        "The red box is at the left of the image, which is the patient's right.",
        "By radiological convention the left side of the image corresponds to the patient's right.",
        "It is seen on the left side of the image, i.e. the right lung.",
        "The liver is seen on the right.",
        "Right, so this is a nodule.",
        "It has the right size for a nodule.",
        "Its radius is 7 mm.",
        "A satellite nodule of 4 mm is seen.",
        "There is a 4 mm rim.",
        "The box measures 20 mm.",
        "x = 120 mm",
        "The aorta is 180 HU.",
        "The box averages -300 HU.",
        "I look for calcification, fat, and air.",
        "Candidates: effusion, consolidation, pneumothorax.",
        "Calcification: none.",
        "Fat - no.",
        "Underlying emphysema.",
        "A cavity filled with air.",
        "The vessel next to it is solid.",
        "It is hardly calcified.",
        "Der Herd liegt right.",
    ],
)
def test_words_that_are_not_weighed_leave_no_verdict(text: str) -> None:
    assert verdicts(text, SOLID) == {"not_checkable"}


@pytest.mark.parametrize(
    "text", ["It lies on the right, next to the heart.", "A nodule in the right lung near the hilum."]
)
def test_where_it_lies_may_be_told_by_a_neighbour(text: str) -> None:
    assert verdicts(text, SOLID) == {"contradicts"}
