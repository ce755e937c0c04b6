"""Nothing that others write leaves the reader in a form that could do harm."""

import json
import string
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3.util import parse_url

from crnn.errors import CrnnError
from crnn.untrusted import at, items, json_object, number, one_line, split_address, text

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
PATHS = st.lists(st.text(max_size=2) | st.integers(-3, 3), max_size=3)

HOSTS = [
    "https://evil.example\n.dzcdn.net/",
    "https://evil.example\t.dzcdn.net/",
    "https://evil.example .dzcdn.net/",
    "https://evil.example\x00.dzcdn.net/",
    'https://evil.example".dzcdn.net/',
    "https://evil.example'.dzcdn.net/",
    "https://evil.example\\.dzcdn.net/",
    "https://evil.example%2e.dzcdn.net/",
    "https://evil.example_.dzcdn.net/",
    "https://user@api.deezer.com/",
    "https://api.deezer.com@evil.example/",
    "https://api\u3002deezer.com/",
    "https://\u212api.deezer.com/",
    "https://.dzcdn.net/",
    "https://dzcdn..net/",
    "https://[::1]/",
    "https://api.deezer.com:99999999/",
    "https:/api.deezer.com/",
    "//api.deezer.com/",
    "javascript://api.deezer.com/",
    "\nhttps://api.deezer.com/",
    "",
]


@pytest.mark.parametrize("address", HOSTS)
def test_hosts_that_libraries_read_differently_are_no_addresses(address: str) -> None:
    with pytest.raises(ValueError, match="not a web address"):
        split_address(address)


@given(st.text(alphabet=string.printable + "é\u212a\u3002", max_size=30))
def test_an_accepted_host_is_plain_and_the_one_that_other_parsers_read(rest: str) -> None:
    try:
        address = split_address(f"https://{rest}")
    except ValueError:
        return
    assert set(address.host) <= set(string.ascii_lowercase + string.digits + ".-")
    for read in (urlsplit(f"https://{rest}").hostname, parse_url(f"https://{rest}").host):
        assert read == address.host


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"3",
        b"null",
        b"\xff\xfe{",
        b"\xc3(",
        b'{"a":' * 100_000,
        b"[" * 100_000,
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": 1',
    ],
)
def test_anything_but_an_object_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - several libraries' words
        json_object(content)


@given(JSON, PATHS)
def test_a_value_at_a_path_is_of_its_kind_or_empty(value: object, path: list[str | int]) -> None:
    found = at(value, *path)
    line = text(value, *path, limit=7)
    assert len(line) <= 7
    assert line.isprintable()
    line.encode()  # no lone surrogate
    assert isinstance(items(value, *path), list)
    if (figure := number(value, *path)) is not None:
        assert figure == found
        assert 0 <= float(figure) <= 1e9


@pytest.mark.parametrize("value", ["1e999", "-1", "NaN", "1" + "0" * 400, "true", '"3"', "[3]"])
def test_numbers_that_no_length_can_have_are_none(value: str) -> None:
    assert number(json.loads(f'{{"a": [{value}]}}'), "a", 0) is None


def test_numbers_stay_what_they_are() -> None:
    assert number({"a": 3}, "a") == 3
    assert number(-2.5, least=-1e9) == -2.5


def test_messages_quote_nothing_that_a_terminal_or_a_page_obeys() -> None:
    message = str(CrnnError("red\x1b[31m \ud800 \u202eback\r\nnext line"))
    assert message == "red [31m    back \nnext line"
    assert one_line(message) == "red [31m back next line"
