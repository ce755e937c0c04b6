"""What others wrote shows as it is: no markup, no link, no picture."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from crnn.untrusted import one_line
from pages.shared.markdown import escape, hyperlink, without_pictures

COMMONMARK = MarkdownIt("commonmark").enable(["table", "strikethrough"])
TEXT = st.text(alphabet="ab1 .-+=*_`[]()!<>&;:#|~\\\"'/@w\n\t\ud800\x1b\u202e", max_size=40)
# As Streamlit's page looks for them (mdast-util-gfm-autolink-literal, remark-emoji, its own icons
# and arrows).
CODE = re.compile(
    r"https?://|www\.|[-.\w+]+@[-\w]+\.[-\w]|:[\w+/-]+:|(^|\s)(<?->|<-|--|[<>~]=)(\s|$)",
    re.IGNORECASE,
)


def shown(markdown: str) -> str:
    """What the reader sees of one paragraph; fails where it is anything else."""
    match = re.fullmatch(r"<p>([^<]*)</p>\n", COMMONMARK.render(markdown))
    assert match, COMMONMARK.render(markdown)
    return html.unescape(match[1])


@given(TEXT)
def test_what_is_shown_is_the_text(text: str) -> None:
    if line := one_line(text):
        seen = shown(escape(text))
        assert seen.replace("\u2060", "") == line.replace("\u2060", "")
        assert not CODE.search(seen)


@pytest.mark.parametrize(
    "name",
    [
        "www.evil.example.mp3",
        "HTTPS://evil.example",
        "someone@evil.example",
        ":material/home: :smile:",
        "a -> b -- c <- d <-> e",
        "![x](https://evil.example/x.png)",
        "!![x](https://evil.example/x.png)",
        "1. one",
        "&lt;b&gt;",
        "- list",
        "=",
        "<https://evil.example>",
    ],
)
def test_names_that_look_like_markup(name: str) -> None:
    seen = shown(escape(name))
    assert seen.replace("\u2060", "") == name
    assert not CODE.search(seen)


def test_ordinary_names_stay_as_they_are() -> None:
    for name in ("Song of the Fakes", "07.wav", "1.5 dB", "AC/DC – Live, 3 x", "Motörhead's"):
        assert escape(name) == name


def test_an_address_cannot_leave_its_link() -> None:
    address = "https://www.deezer.com/x) ![y](https://evil.example/y.png"
    (link,) = re.findall(r'<a href="([^"]*)">', COMMONMARK.render(hyperlink("a](b", address)))
    assert link.startswith("https://www.deezer.com/x%29%20!%5By%5D%28https://")
    assert "<img" not in COMMONMARK.render(hyperlink("a](b", address))


@pytest.mark.parametrize(
    "card",
    [
        "![x](https://evil.example/x.png)",
        "!![x](https://evil.example/x.png)",
        "!!![x][y]\n\n[y]: https://evil.example/x.png",
        "[![x](https://evil.example/x.png)](https://a.example)",
        "![!![x](https://a.example)](https://evil.example/x.png)",
    ],
)
def test_a_card_has_no_pictures(card: str) -> None:
    assert "<img" in COMMONMARK.render(card)  # the case is one
    assert "<img" not in COMMONMARK.render(without_pictures(card))


@given(st.text(alphabet="![]()x\\\n `~m<>&;", max_size=40))
def test_no_card_has_pictures(card: str) -> None:
    assert "<img" not in COMMONMARK.render(without_pictures(card))


@pytest.mark.parametrize(
    "fence",
    [
        "```mermaid\n{}\n```",
        "- ~~~ mer&#109;aid\n  {}\n  ~~~",
        "> ```Mermaid title\n> {}\n> ```",
        "1. ````mermaid\r   {}\r   ````",
    ],
)
def test_a_card_has_no_diagrams_which_may_fetch_pictures(fence: str) -> None:
    card = fence.format('flowchart\n A@{ img: "https://evil.example/x.png" }')
    assert "language-mermaid" in COMMONMARK.render(card).lower()
    assert "language-" not in COMMONMARK.render(without_pictures(card))


def test_other_cards_stay_as_they_are() -> None:
    card = "# Title\n\nText, `code` and [a link](https://a.example)!\n\n```\ncode\n```"
    assert without_pictures(card) == card
