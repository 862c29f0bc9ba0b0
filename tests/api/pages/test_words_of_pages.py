"""Every word of a page stands in both catalogues, and none is kept that no page uses."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pytest
from jinja2 import Environment, PackageLoader

from earlywarning.io import wording
from earlywarning.io.sentences import translated
from earlywarning_api import access
from earlywarning_api.pages import failures, shell

PAGES = Path(shell.__file__).parent
TEMPLATES = PAGES.parent / "templates"
SOURCES = [*sorted(TEMPLATES.glob("*.html")), *sorted(PAGES.glob("*.py"))]
FIXED = re.compile(r"""\b(?:t|page_text)\(\s*["']([a-z0-9_.]+)["']\s*[,)]""")
MADE = re.compile(r"""\b(?:t|page_text)\(\s*\(?["']([a-z0-9_.]+\.)["']\s*~""")
CHOSEN = re.compile(r"""["']([a-z_]+(?:\.[a-z_]+)+)["']""")


def used() -> tuple[set[str], set[str]]:
    """Whole keys, and beginnings of keys that are made from a code."""
    text = "\n".join(path.read_text("utf-8") for path in SOURCES)
    return set(FIXED.findall(text)), set(MADE.findall(text))


def test_both_languages_say_the_same() -> None:
    indonesian, english = (wording.catalogue(one, "pages") for one in ("id", "en"))
    assert indonesian.keys() == english.keys()
    for key, message in english.items():
        (names,) = set(message.placeholders)
        assert set(indonesian[key].placeholders) == {names}, key
        assert all(form.strip() for form in (*message.forms, *indonesian[key].forms)), key


def test_no_page_asks_for_words_that_are_missing() -> None:
    fixed, made = used()
    words = wording.catalogue("id", "pages").keys()
    assert not fixed - words
    assert not {one for one in made if not any(key.startswith(one) for key in words)}
    needed = {f"role.{role}" for role in access.PERMISSIONS}
    needed |= {f"menu.{entry.key}" for entry in shell.MENU}
    needed |= {f"failure.{status}.{part}" for status in failures.STATUSES
               for part in ("title", "do")}  # fmt: skip
    assert not needed - words


def test_no_words_are_kept_for_nothing() -> None:
    fixed, made = used()
    text = "\n".join(path.read_text("utf-8") for path in SOURCES)
    known = fixed | set(CHOSEN.findall(text))
    idle = {
        key
        for key in wording.catalogue("id", "pages")
        if key not in known and not key.startswith(tuple(made))
    }
    assert not idle


def test_a_missing_string_is_an_error() -> None:
    with pytest.raises(KeyError):
        wording.page_text("list.not_there", "id")


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_no_word_labels_a_child(language: str) -> None:
    text = " ".join(
        form for message in wording.catalogue(language, "pages").values() for form in message.forms
    ).lower()
    for word in ("berisiko", "at risk", "nakal", "bad student", "flagged", "bermasalah"):
        assert word not in text


def test_no_template_has_words_of_its_own() -> None:
    """What is left of a template without its tags and expressions is no word."""
    for path in sorted(TEMPLATES.glob("*.html")):
        text = re.sub(r"{[{%#].*?[}%#]}", "", path.read_text("utf-8"), flags=re.S)
        text = re.sub(r"<code>.*?</code>", "", text)  # typed at a terminal, in any language
        bare = re.sub(r"<[^>]*>", " ", text, flags=re.S)
        assert not re.search(r"[A-Za-z]{2,}", bare), (path.name, bare.split())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a whole number", "<span>bilangan bulat</span>"),
        ("not <known>", '<span lang="en">not &lt;known&gt;</span>'),
        (
            "a<b>.csv: cannot be read (odd <i>); it is damaged, or not quite of the layout that it "
            "seems to be; open it in the program that made it and export it again",
            '<span>a&lt;b&gt;.csv: tidak terbaca (<span lang="en">odd &lt;i&gt;</span>); rusak, '
            "atau bentuknya tidak persis seperti tampaknya; buka di program pembuatnya dan ekspor "
            "lagi</span>",
        ),
    ],
)
def test_what_stays_english_is_marked_and_all_of_it_escaped(text: str, shown: str) -> None:
    made = Environment(loader=PackageLoader("earlywarning_api", "templates"), autoescape=True)
    told = vars(made.get_template("fields.html").module)["told"]
    assert str(told(text, partial(translated, language="id"), "id")).strip() == shown
