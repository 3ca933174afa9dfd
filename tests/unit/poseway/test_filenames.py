"""File names for any name of an upload."""

import unicodedata
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from poseway import filenames

FAMILY = "👨\u200d👩\u200d👧"
BIDI = "\u200f\u202e\u2066"
REFUSED = '<>:"/\\|?*'
ENDINGS = ("", "-2", "_video.mp4", "_000000000012_keypoints.json", "_person_003.trc", "_all.zip")

VISIBLE = st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="/:")
names = st.text(max_size=255).filter(lambda name: len(name.encode(errors="replace")) <= 255)


def assert_portable(name: str) -> None:
    """Checks that a name is valid and looks the same on Linux, macOS and Windows."""
    assert 0 < len(name.encode()) <= 255
    assert len(name.encode("utf-16-le")) <= 2 * 255
    assert not set(name) & set(REFUSED)
    assert {unicodedata.category(c) for c in name}.isdisjoint(("Cc", "Cn", "Cs", "Zl", "Zp"))
    assert {unicodedata.bidirectional(c) for c in name}.isdisjoint(
        ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    )
    assert name == name.strip(" .")
    assert not PureWindowsPath(name).is_reserved()
    assert PurePosixPath(name).name == PureWindowsPath(name).name == name


@given(names, st.sampled_from(ENDINGS))
@example("日" * 77 + ".mp4", "_000000000012_keypoints.json")
@example("CON" + "." * 90 + "x", "")
@example("e" + "\u0301" * 120, "_video.mp4")
@example("🇩🇪" * 30, "_video.mp4")
def test_any_name_becomes_valid_on_every_system(name: str, ending: str) -> None:
    found = filenames.portable(filenames.stem(name), ending)
    assert_portable(found)
    assert found.endswith(ending)
    # Windows unpacks it into a folder that is named after the archive, in that of the downloads.
    assert len(found.removesuffix(ending).encode("utf-16-le")) <= 2 * 81


@given(names)
def test_files_of_a_result_have_different_names(name: str) -> None:
    made = [filenames.portable(name, ending) for ending in ENDINGS]
    folded = {unicodedata.normalize("NFC", each).casefold() for each in made}
    assert len(folded) == len(made)


@given(names)
def test_portable_name_is_not_changed(name: str) -> None:
    once = filenames.portable(name)
    assert filenames.portable(once) == once


@pytest.mark.parametrize(
    ("text", "portable"),
    [
        ("my wälk 2", "my wälk 2"),
        ("舞踏", "舞踏"),
        ('a"b', "a_b"),
        ("a\\b/c:d", "a_b_c_d"),
        ("a\nb", "a_b"),
        ("50 %22", "50 %22"),
        ("gpj\u202efdp", "gpjfdp"),
        (f"{FAMILY} می\u200cخواهم", f"{FAMILY} می\u200cخواهم"),  # noqa: RUF001 # Persian
        ("con", "_con"),
        ("NUL.old", "_NUL.old"),
        ("aux .x", "_aux .x"),
        ("COM¹", "_COM¹"),
        ("lpt9", "_lpt9"),
        ("CONSOLE", "CONSOLE"),
        (" .hidden. ", "hidden"),
        ("...", "video"),
        ("", "video"),
        ("\ud800", "_"),
    ],
)
def test_only_invalid_characters_are_changed(text: str, portable: str) -> None:
    assert filenames.portable(text) == portable
    assert_portable(portable)


def test_reserved_name_is_escaped_unless_an_ending_without_dot_follows() -> None:
    assert filenames.portable("CON", "_video.mp4") == "CON_video.mp4"
    assert filenames.portable("CON.1", "_video.mp4") == "_CON.1_video.mp4"


@pytest.mark.parametrize("end", [FAMILY, "e\u0301", "👍🏽", "🇩🇪"])
def test_cut_does_not_split_a_grapheme(end: str) -> None:
    for length in range(70, 81):
        found = filenames.portable("a" * length + end)
        assert found in ("a" * length, "a" * length + end)


@given(
    st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="/:"), max_size=63)
)
def test_valid_name_of_an_upload_is_kept(text: str) -> None:
    for name in (f"a{text}", f"a{text}.mp4", f"{text}b", f"a\n{text}\r\n"):
        assert filenames.given(name) == name or name.startswith("\\\\")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("/home/me/a.mp4", "a.mp4"),
        ("../../etc/passwd", "passwd"),
        (r"C:\videos\a.mp4", "a.mp4"),
        (r"\\server\videos\a.mp4", "a.mp4"),
        (r"a\b.mp4", r"a\b.mp4"),
        ("a\x00b\x1b[31m.mp4", "ab[31m.mp4"),
        ("a\r\nb.mp4", "a\r\nb.mp4"),
        (f"a{BIDI}b.mp4", f"a{BIDI}b.mp4"),
        (" ", "video"),
        ("..", "video"),
        ("/", "video"),
        ("x" * 5000 + ".mp4", "x" * 251 + ".mp4"),
        ("日" * 5000 + ".mp4", "日" * 251 + ".mp4"),
    ],
)
def test_only_path_control_characters_and_excess_length_are_removed(sent: str, kept: str) -> None:
    assert filenames.given(sent) == kept


def test_name_for_a_terminal_is_one_line() -> None:
    assert filenames.shown("a\r\nb\u2028c\u202egpj \u200f舞.mp4") == "a��b�c�gpj \u200f舞.mp4"


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("a.mp4", "a"),
        ("a.b.MTS", "a.b"),
        (".mp4", ".mp4"),
        ("Dr. Smith walks", "Dr. Smith walks"),
        ("a", "a"),
        ("a.", "a."),
    ],
)
def test_stem_is_the_name_without_extension(name: str, stem: str) -> None:
    assert filenames.stem(name) == stem
