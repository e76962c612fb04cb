"""The link and the request: what they say is read exactly, and everything else is refused with a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medreason_viewer.errors import LaunchRefused
from medreason_viewer.ui.launching.link import is_link, link_to, parse_link
from medreason_viewer.ui.launching.request import LaunchRequest
from medreason_viewer.ui.launching.target import LaunchTarget

UIDS = st.lists(st.integers(0, 10**9), min_size=2, max_size=6).map(lambda parts: ".".join(map(str, parts)))
POINTS = st.tuples(*[st.integers(-9999, 9999)] * 3).map(lambda p: ",".join(str(v / 10) for v in p))
PLACES = st.one_of(st.just(""), st.integers(0, 9_999_999).map(str), UIDS, POINTS)
ACCESSIONS = st.text(
    st.characters(exclude_characters="*?\\", exclude_categories=("C", "Z")), min_size=0, max_size=16
)
LETTERS = st.characters(exclude_characters="/\\", exclude_categories=("C", "Z"))
FILES = st.text(LETTERS, min_size=1, max_size=40)


@given(UIDS, st.one_of(st.just(""), UIDS), ACCESSIONS, PLACES, st.one_of(st.none(), FILES))
def test_a_link_says_what_was_put_into_it(
    study: str, series: str, accession: str, goto: str, file: str | None
) -> None:
    target = LaunchTarget(study, series, accession, goto, Path("/home") / file if file else None)
    assert parse_link(link_to(target)) == target
    assert LaunchRequest.of_line(LaunchRequest(target=target, token="a b").to_line()).wanted() == target
    assert LaunchRequest.of_line(LaunchRequest(link=link_to(target)).to_line()).wanted() == target


def test_the_place_to_go_to() -> None:
    def place(goto: str) -> object:
        return parse_link(f"medreason://open?study=1.2&goto={goto}").place

    assert place("42") == 42
    assert place("1.2.840.1") == "1.2.840.1"
    assert place("-12.5,30,118") == place("-12.5%2C30%2C118") == (-12.5, 30, 118)
    assert parse_link("MedReason://OPEN/?study=1.2").place is None


REFUSED = [
    "", "medreason:", "medreason://", "medreason://open", "medreason://open?", "medreason://open?goto=4",
    "http://open?study=1.2", "file:///etc/passwd", "javascript:alert(1)", "medreason:open?study=1.2",
    "medreason://other?study=1.2", "medreason://user@open?study=1.2", "medreason://open:80?study=1.2",
    "medreason://open/x?study=1.2", "medreason://open?study=1.2#x", "medreason://open?study=1.2?x",
    " medreason://open?study=1.2", "medreason://open?study=1.2\n", "medreason://open?study=1.2&",
    "medreason://open?study=1.2&study=1.2", "medreason://open?study=1.2&model=x", "medreason://open?Study=1.2",
    "medreason://open?study=", "medreason://open?study", "medreason://open?study=1.2&<b>=1",
    "medreason://open?study=1..2", "medreason://open?study=1.2%00", "medreason://open?study=1.2%0A",
    "medreason://open?study=../../etc", "medreason://open?study=abc", "medreason://open?study=1.2 3",
    "medreason://open?study=%", "medreason://open?study=%zz", "medreason://open?accession=%ff",
    "medreason://open?study=" + "1." * 32 + "1", "medreason://open?study=" + "1" * 5000,
    "medreason://open?accession=A*", "medreason://open?accession=A%3F", "medreason://open?accession=A%5CB",
    "medreason://open?accession=" + "A" * 65, "medreason://open?accession=%E2%80%AE1", "medreason://open?study=１.２",
    "medreason://open?study=1.2&goto=x", "medreason://open?study=1.2&goto=1,2", "medreason://open?study=1.2&goto=-4",
    "medreason://open?study=1.2&goto=nan,1,1", "medreason://open?study=1.2&goto=1e9,1,1",
    "medreason://open?study=1.2&goto=99999999999", "medreason://open?study=1.2&goto=1,2,3,4",
    "medreason://open?path=relative", "medreason://open?path=~/ct", "medreason://open?path=//server/share",
    "medreason://open?path=%5C%5Cserver%5Cshare", "medreason://open?path=%5C/server/share",
    "medreason://open?path=/a%00b", "medreason://open?path=/a%0Ab", "medreason://open?path=file:///etc",
    "medreason://open?path=/" + "a" * 1024,
]  # fmt: skip


@pytest.mark.parametrize("link", REFUSED)
def test_anything_else_is_refused_with_a_sentence(link: str) -> None:
    with pytest.raises(LaunchRefused) as refusal:
        parse_link(link)
    sentence = str(refusal.value)
    assert sentence.endswith((".", "open?"))
    assert len(sentence) < 160
    assert "<" not in sentence


@given(st.text(max_size=200))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    for link in (text, f"medreason://open?{text}", f"medreason://open?study={text}"):
        try:
            parse_link(link)
        except LaunchRefused:
            continue


def test_what_is_a_link_and_what_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_link("medreason://open?study=1.2")
    assert is_link("MEDREASON:anything")
    assert is_link("https://example.org/x")
    assert is_link("medreason://open?path=/" + "a" * 5000)
    for path in ("/home/a", "C:\\ct", "C:/ct", "ct", "./medreason:x", "../1.2.3"):
        assert not is_link(path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scan:1").mkdir()
    assert not is_link("scan:1"), "a folder that is there is one, whatever its name"


@pytest.mark.parametrize(
    "line",
    [
        b"", b"\n", b"[]\n", b"null\n", b"{}\n", b'{"version": 2}\n', b'{"version": 1, "more": 1}\n',
        b'{"version": 1, "link": 3}\n', b'{"version": 1, "target": []}\n', b'{"version": 1, "target": {}}\n',
        b'{"version": 1, "target": {"study": 1}}\n', b'{"version": 1, "target": {"x": "1.2"}}\n',
        b'{"version": 1, "target": {"study": "no"}}\n', b'{"version": 1, "token": "a\\nb"}\n', b"\xff\xfe\n",
        b"[" * 10000,
    ],
)  # fmt: skip
def test_a_request_that_nobody_of_ours_wrote_is_refused(line: bytes) -> None:
    with pytest.raises(LaunchRefused):
        LaunchRequest.of_line(line)


def test_a_request_for_nothing_only_shows_the_window() -> None:
    assert LaunchRequest.of_line(LaunchRequest().to_line()) == LaunchRequest()
    assert LaunchRequest().wanted() is None
    long = LaunchRequest(link="medreason://open?study=" + "é" * 9000)
    with pytest.raises(LaunchRefused, match="too long"):
        LaunchRequest.of_line(long.to_line()).wanted()
    assert json.loads(LaunchRequest(token="x" * 999).to_line())["token"] == "x" * 256
