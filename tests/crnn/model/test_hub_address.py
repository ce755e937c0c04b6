"""What a visitor may enter for a repository, and what is no such thing."""

import pytest

from crnn.errors import CheckpointError
from crnn.model.hub import HubAddress, parse_address

GOOD = {
    "user/repo": HubAddress("user/repo"),
    "  user/repo \n": HubAddress("user/repo"),
    "u-1/my.crnn_v2@v1.0": HubAddress("u-1/my.crnn_v2", "v1.0"),
    "user/repo@refs/pr/3": HubAddress("user/repo", "refs/pr/3"),
    "user/repo@main": HubAddress("user/repo"),
    f"user/repo@{'a1' * 20}": HubAddress("user/repo", "a1" * 20),
    "https://huggingface.co/user/repo": HubAddress("user/repo"),
    "https://huggingface.co/user/repo/": HubAddress("user/repo"),
    "https://huggingface.co/user/repo?library=true#top": HubAddress("user/repo"),
    "https://huggingface.co/user/repo/tree/v2": HubAddress("user/repo", "v2"),
    "https://hf.co/user/repo": HubAddress("user/repo"),
    "huggingface.co/user/repo": HubAddress("user/repo"),
}

BAD = [
    "",
    " ",
    "repo",
    "user/",
    "/repo",
    "user//repo",
    "user/repo/",
    "a/b/c",
    "../etc",
    "user/..",
    "user/../x",
    "./user/repo",
    "user/repo@",
    "user/repo@..",
    "user/repo@../../main",
    "user/repo@a b",
    "user/repo@/main",
    "user/repo@-x",
    "user/repo@@v",
    "user/repo.git",
    "user/re--po",
    "user/re po",
    "user/repo\nx",
    "us\u0435r/r\u00e9po",
    "user/-repo",
    "~/repo",
    "C:\\user\\repo",
    "user/repo?x=1",
    "user/" + "r" * 200,
    "http://huggingface.co/user/repo",
    "https://huggingface.co.evil.example/user/repo",
    "https://huggingface.co@evil.example/user/repo",
    "https://hugging\nface.co/user/repo",
    "https://user:pw@huggingface.co/user/repo",
    "https://evil.example/user/repo",
    "https://huggingface.co:444/user/repo",
    "https://huggingface.co/user",
    "https://[::1/user/repo",
    "file:///user/repo",
    "https://huggingface.co/user/repo/blob/main/config.json",
    "https://huggingface.co/user/%2e%2e",
    "hf://user/repo",
]


@pytest.mark.parametrize("text", GOOD)
def test_good_addresses(text: str) -> None:
    assert parse_address(text) == GOOD[text]
    assert parse_address(str(parse_address(text))) == parse_address(text)


@pytest.mark.parametrize("text", BAD)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(CheckpointError, match=r"user/repo|after the @"):
        parse_address(text)


@pytest.mark.parametrize("kind", ["dataset", "space"])
def test_datasets_and_spaces_are_called_what_they_are(kind: str) -> None:
    for text in (f"{kind}s/user/repo", f"https://huggingface.co/{kind}s/user/repo"):
        with pytest.raises(
            CheckpointError, match=f"is a {kind}; a checkpoint lies in a model repository"
        ):
            parse_address(text)
