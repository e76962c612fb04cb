"""The evaluation's command: ablations, paired comparison, predictions, an endpoint, finished pictures."""

from __future__ import annotations

import base64
import io
import json
import stat
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from medreason_viewer.cancel import Cancel
from medreason_viewer.errors import DataSetError, ModelError
from medreason_viewer.reasoning import prompt, zoom
from medreason_viewer.reasoning.bundles import bundle
from medreason_viewer.reasoning.bundles.manifest import Manifest
from medreason_viewer.reasoning.turns import Turn
from medreason_viewer.volume.geometry import SliceBox
from trainer import cli
from trainer.data.case import Turn as CaseTurn
from trainer.data.dataset import DataSet
from trainer.evaluation import predictions, vqa_scores, vqa_sets
from trainer.evaluation.endpoint import Address, Endpoint
from trainer.evaluation.evaluate import about, answers, figures
from trainer.evaluation.variants import noticed


class Scripted:
    """Says one thing to locate and one to reason, and keeps the turns."""

    def __init__(self, locate: str, reason: str) -> None:
        self.says = {"locate": locate, "reason": reason}
        self.turns: list[Turn] = []

    def stream(self, turn: Turn, cancel: Cancel) -> Iterator[str]:
        self.turns.append(turn)
        yield self.says[turn.kind]


NODULE = "<think> There is a nodule in the right lung. </think><answer> nodule </answer>"
BOX = '[{"bbox_2d": [20, 30, 60, 70], "label": "nodule"}]'


def evaluated(words: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    code = cli.main(["--quiet", "evaluate", *words, "--json"])
    printed = capsys.readouterr()
    assert code == 0, printed.err
    found: dict[str, Any] = json.loads(printed.out)
    return found


def test_without_zoom_the_model_reasons_on_the_outlined_slice(
    phantoms: DataSet, small_manifest: Manifest
) -> None:
    model = Scripted(BOX, NODULE)
    (said,) = answers(model, phantoms, small_manifest, [0], variant="without-zoom")
    plain, region = zoom.model_image(phantoms.hu(0), small_manifest), said.prediction.box_slice
    assert region is not None  # it is still judged by the region that it named
    x0, y0, x1, y1 = plain.slice_map.integer_box(region)
    changed = (model.turns[1].image != plain.image).any(-1)
    changed[y0:y1, x0:x1] = False
    assert not changed.any()
    answers(model, phantoms, small_manifest, [0])
    assert (model.turns[3].image != model.turns[1].image).any()


def test_without_thinking_the_answer_alone_is_readable(phantoms: DataSet, small_manifest: Manifest) -> None:
    model = Scripted(BOX, "<answer> nodule </answer>")
    (said,) = answers(model, phantoms, small_manifest, [0], variant="without-thinking")
    assert said.prediction.readable
    asked = model.turns[1].messages[-1]["content"][1]["text"]
    assert "<answer>" in asked
    assert asked != prompt.reason_messages(small_manifest)[-1]["content"][1]["text"]
    (plainly,) = answers(model, phantoms, small_manifest, [0])
    assert not plainly.prediction.readable


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("nodule", "named_it_anyway"),
        ("mass", "took_another"),
        ("none of these", "declined"),
        ("", "unreadable"),
    ],
)
def test_what_is_done_without_the_right_option(
    answer: str, kind: str, phantoms: DataSet, small_manifest: Manifest
) -> None:
    chosen = [index for index, case in enumerate(phantoms.cases) if case.finding == "nodule"]
    reply = f"<think> It is round. </think><answer> {answer} </answer>" if answer else "?"
    model = Scripted("[]", reply)
    said = answers(model, phantoms, small_manifest, chosen, variant="without-right-option")
    told = model.turns[1].messages[-1]["content"][1]["text"]
    assert "mass" in told
    assert "nodule" not in told
    answers(model, phantoms, small_manifest, chosen[:1], variant="with-options")
    assert "nodule, mass" in model.turns[-1].messages[-1]["content"][1]["text"]
    found = noticed(said, small_manifest)
    assert found[kind] == 1
    assert sum(found[name] for name in ("named_it_anyway", "took_another", "declined", "unreadable")) == 1


def test_predictions_are_kept_and_give_the_same_figures(
    phantoms: DataSet, small_manifest: Manifest, tmp_path: Path
) -> None:
    said = answers(Scripted(BOX, NODULE), phantoms, small_manifest, range(16))
    kept = tmp_path / "said.jsonl"
    predictions.write(kept, about(small_manifest, phantoms, ""), said)
    again = predictions.read(kept)
    assert again.said == tuple(said)
    assert again.figures == figures(said, small_manifest)
    assert again.about.data == str(phantoms.folder.resolve())
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


@pytest.mark.parametrize("line", ['{"index": 1}', "x", '{"index": 1, "prediction": 5}'])
def test_a_damaged_prediction_is_named_by_its_line(
    line: str, phantoms: DataSet, small_manifest: Manifest, tmp_path: Path
) -> None:
    kept = tmp_path / "said.jsonl"
    predictions.write(kept, about(small_manifest, phantoms, ""), [])
    with pytest.raises(DataSetError, match="holds no prediction"):
        predictions.read(kept)
    kept.write_text(kept.read_text() + line)
    with pytest.raises(DataSetError, match=r"said\.jsonl, line 2"):
        predictions.read(kept)


def test_a_bundle_against_itself_is_no_different(
    phantom_folder: Path, tiny_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "said.jsonl"
    words = ["--data", str(phantom_folder), "--bundle", str(tiny_folder), "--limit", "2"]
    found = evaluated([*words, "--against", str(tiny_folder), "--predictions", str(kept)], capsys)
    assert found["difference"]["accuracy"] == 0
    assert found["difference"]["accuracy_ci"] == [0, 0]
    assert found["against"]["n"] == found["difference"]["n"] == 2
    assert predictions.read(kept).figures["accuracy"] == found["accuracy"]


def test_the_constant_answer_is_kept_as_no_model(
    phantom_folder: Path, tiny_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "said.jsonl"
    words = ["--data", str(phantom_folder), "--bundle", str(tiny_folder), "--constant"]
    found = evaluated([*words, "--predictions", str(kept)], capsys)
    again = predictions.read(kept)
    assert again.about.sha256 == ""
    assert again.figures == found


def test_slices_known_only_in_regions_are_not_measured_by(
    phantoms: DataSet,
    phantom_folder: Path,
    tiny_folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    denied = CaseTurn("reason", "no", "A nodule?", ("yes", "no"), region_slice=SliceBox(1, 2, 3, 4))

    def knowing(whole: int) -> None:
        known = phantoms.cases[:whole]
        others = (replace(case, turns=(denied,)) for case in phantoms.cases[whole:])
        data = replace(phantoms, cases=(*known, *others))
        monkeypatch.setattr("trainer.data.dataset.read", lambda _folder: data)

    words = ["--data", str(phantom_folder), "--bundle", str(tiny_folder), "--constant"]
    knowing(whole=3)
    for split in ([], ["--split", phantoms.cases[0].split]):
        assert evaluated([*words, *split], capsys)["n"] == 3
    knowing(whole=0)
    assert cli.main(["--quiet", "evaluate", *words]) != 0
    assert "only single regions are known" in capsys.readouterr().err


class Server(BaseHTTPRequestHandler):
    """An OpenAI-compatible endpoint on this machine."""

    asked: list[dict[str, Any]]
    replies: list[tuple[int, bytes]]

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        request = {"path": self.path, "key": self.headers.get("Authorization")}
        self.asked.append(request | {"body": json.loads(self.rfile.read(length))})
        code, body = self.replies.pop(0) if self.replies else (200, self._completion())
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _completion(self) -> bytes:
        asked = str(self.asked[-1]["body"]["messages"])
        text = BOX if "Find the abnormal region" in asked else NODULE
        return json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]}).encode()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's own word)
        """Nothing is written."""


@pytest.fixture
def server() -> Iterator[tuple[str, type[Server]]]:
    handler = type("Handler", (Server,), {"asked": [], "replies": []})
    serving = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=serving.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{serving.server_port}/v1", handler
    serving.shutdown()
    thread.join()
    serving.server_close()


def test_an_endpoint_gets_the_picture_that_the_local_model_gets(
    server: tuple[str, type[Server]], phantoms: DataSet, small_manifest: Manifest
) -> None:
    url, handler = server
    engine = Endpoint(Address(url, "some-model"), key="secret")
    (said,) = answers(engine, phantoms, small_manifest, [0])
    engine.close()
    assert said.prediction.answer == "nodule"
    first, second = handler.asked
    assert (first["path"], first["key"]) == ("/v1/chat/completions", "Bearer secret")
    assert first["body"]["model"] == "some-model"
    assert first["body"]["temperature"] == 0
    local = Scripted(BOX, NODULE)
    answers(local, phantoms, small_manifest, [0])
    for sent, turn in zip((first, second), local.turns, strict=True):
        picture = sent["body"]["messages"][-1]["content"][0]["image_url"]["url"]
        head, _, data = picture.partition(",")
        assert head == "data:image/png;base64"
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))), turn.image)


@pytest.mark.parametrize(
    ("code", "body", "said"),
    [
        (401, b"", "answered 401 Unauthorized"),
        (200, b"<html>", "did not send JSON"),
        (200, b'{"choices": []}', "not an OpenAI chat completion"),
    ],
)
def test_an_endpoint_that_fails_is_one_sentence(
    code: int,
    body: bytes,
    said: str,
    server: tuple[str, type[Server]],
    phantoms: DataSet,
    small_manifest: Manifest,
) -> None:
    url, handler = server
    handler.replies[:] = [(code, body)]
    engine = Endpoint(Address(url, "m"))
    with pytest.raises(ModelError, match=said):
        answers(engine, phantoms, small_manifest, [0])
    engine.close()
    assert len(handler.asked) == 1


def test_a_busy_endpoint_is_asked_again(
    server: tuple[str, type[Server]],
    phantoms: DataSet,
    small_manifest: Manifest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("trainer.evaluation.endpoint._WAIT_S", 0.0)
    url, handler = server
    handler.replies[:] = [(503, b""), (429, b"")]
    engine = Endpoint(Address(url, "m"))
    (said,) = answers(engine, phantoms, small_manifest, [0])
    engine.close()
    assert said.prediction.answer == "nodule"
    assert len(handler.asked) == 4


def test_the_command_asks_an_endpoint_about_the_set_s_findings(
    server: tuple[str, type[Server]], phantom_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url, handler = server
    words = ["--data", str(phantom_folder), "--limit", "1", "--endpoint", url, "--model", "m"]
    assert evaluated(words, capsys)["format_rate"] == 1
    assert "pneumothorax" in str(handler.asked[1]["body"]["messages"])


VQA_RAD = [
    {"qid": 1, "phrase_type": "freeform", "image_name": "synpic1.jpg", "image_organ": "HEAD"}
    | {"question": "Is there a mass?", "answer": "Yes", "answer_type": "CLOSED"},
    {"qid": 2, "phrase_type": "test_freeform", "image_name": "synpic2.jpg", "image_organ": "CHEST"}
    | {"question": "Is the heart enlarged?", "answer": "No", "answer_type": "CLOSED "},
    {"qid": 3, "phrase_type": "test_para", "image_name": "synpic2.jpg", "image_organ": "CHEST"}
    | {"question": "Where is the lesion?", "answer": "right lower lobe", "answer_type": "OPEN"},
    {"qid": 4, "phrase_type": "para", "image_name": "synpic1.jpg", "image_organ": "HEAD"}
    | {"question": "How many lesions?", "answer": 3, "answer_type": "OPEN"},
]
SLAKE = [
    {"img_id": 1, "img_name": "xmlab1/source.jpg", "question": "What modality is used?", "answer": "CT"}
    | {"q_lang": "en", "answer_type": "OPEN", "base_type": "vqa", "content_type": "Modality", "qid": 0},
    {"img_id": 1, "img_name": "xmlab1/source.jpg", "question": "用什么方式?", "answer": "CT"}
    | {"q_lang": "zh", "answer_type": "OPEN", "base_type": "vqa", "content_type": "Modality", "qid": 1},
]


@pytest.fixture
def published(tmp_path: Path) -> Path:
    for name in ("synpic1.jpg", "synpic2.jpg", "xmlab1/source.jpg"):
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (60, 40), 90).save(path)
    (tmp_path / "vqa_rad.json").write_text(json.dumps(VQA_RAD))
    (tmp_path / "slake.json").write_text(json.dumps(SLAKE))
    return tmp_path


def test_vqa_rad_and_slake_are_read_as_published(published: Path) -> None:
    every = vqa_sets.read(published / "vqa_rad.json", published / "images")
    assert [(one.answer, one.closed, one.options) for one in every] == [
        ("Yes", True, ("yes", "no")),
        ("No", True, ("yes", "no")),
        ("right lower lobe", False, ()),
        ("3", False, ()),
    ]
    test = vqa_sets.read(published / "vqa_rad.json", published / "images", "test")
    assert [one.question for one in test] == ["Is the heart enlarged?", "Where is the lesion?"]
    (slake,) = vqa_sets.read(published / "slake.json", published / "images")
    assert slake.question == "What modality is used?"
    assert slake.picture().shape == (40, 60, 3)


def test_answers_to_questions_are_scored(published: Path, small_manifest: Manifest) -> None:
    asked = vqa_sets.read(published / "vqa_rad.json", published / "images")
    model = Scripted("", "<think> Look. </think><answer> Yes, in the right lobe. </answer>")
    found = vqa_scores.scores(vqa_scores.answers(model, asked, small_manifest))
    assert (found["n"], found["n_closed"], found["n_open"]) == (4, 2, 2)
    assert found["closed_accuracy"] == 0  # neither "yes" nor "no", but more
    assert found["open_recall"] == pytest.approx((2 / 3 + 0) / 2)
    assert found["open_f1"] == pytest.approx((2 * (2 / 3) * (2 / 5) / (2 / 3 + 2 / 5)) / 2)
    assert found["format_rate"] == 1
    assert model.turns[0].kind == "reason"
    model.says["reason"] = "<think> Look. </think><answer> yes. </answer>"
    assert vqa_scores.scores(vqa_scores.answers(model, asked, small_manifest))["closed_accuracy"] == 0.5


def test_the_command_takes_published_questions(
    published: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--vqa", str(published / "vqa_rad.json"), "--images", str(published / "images"), "--limit", "1"]
    assert evaluated([*words, "--bundle", str(tiny_folder)], capsys)["n"] == 1


def test_a_picture_that_is_not_there_or_lies_elsewhere_is_named(published: Path) -> None:
    for name in ("missing.jpg", "../slake.json"):
        rows = [SLAKE[0], SLAKE[0] | {"img_name": name}]
        (published / "bad.json").write_text(json.dumps(rows))
        with pytest.raises(DataSetError, match=r"bad\.json, row 1: there is no picture"):
            vqa_sets.read(published / "bad.json", published / "images")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--data", "x"], "name a --bundle"),
        (["--data", "x", "--endpoint", "http://h/v1"], "needs a --model"),
        (["--vqa", "x.json", "--bundle", "b"], "--images"),
        (["--vqa", "x.json", "--bundle", "b", "--blank"], "finished pictures are asked about plainly"),
    ],
)
def test_wrong_use_is_one_sentence(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["evaluate", *words]) == 1
    assert said in capsys.readouterr().err


def test_an_adapter_counts_in_an_evaluation(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine of an evaluation lays the bundle's adapter on, as the viewer's worker does."""
    import dataclasses

    from medreason_viewer.reasoning.engine import qwen
    from trainer.evaluation.evaluate import load_engine

    asked: list[Any] = []
    monkeypatch.setattr(qwen, "load", lambda folder, manifest, **given: asked.append(given["adapter"]))
    manifest = bundle.read_manifest(tiny_folder)
    load_engine(tiny_folder, dataclasses.replace(manifest, adapter="adapter"))
    load_engine(tiny_folder, manifest)
    assert asked == [tiny_folder / "adapter", None]


def test_a_readers_region_lies_near_the_finding_or_where_nothing_is(
    phantoms: DataSet, small_manifest: Manifest
) -> None:
    model = Scripted(BOX, NODULE)
    chosen = range(len(phantoms))
    said = answers(model, phantoms, small_manifest, chosen, variant="readers-region")
    assert {turn.kind for turn in model.turns} == {"reason"}
    for each in said:
        marked = each.prediction.box_slice
        assert marked is not None
        if each.box_slice is not None:
            assert 0.3 <= marked.iou(each.box_slice) < 1
        else:
            assert not phantoms.mask(each.index).any()
    assert said == answers(Scripted(BOX, NODULE), phantoms, small_manifest, chosen, variant="readers-region")
