"""Laws of a comparison: order does not matter, and a copy is nearest to its original."""

import csv
import io
import pickle
from dataclasses import replace

import numpy as np
import pytest
from sklearn.decomposition import PCA

from crnn.errors import AudioError
from crnn.inference import similarity
from crnn.inference.analysis import decode_and_predict
from crnn.inference.classifier import Classifier
from crnn.inference.prediction import Prediction
from crnn.inference.similarity import TrackSummary
from crnn.labels import GENRES, MOODS
from crnn.model.checkpoint import Checkpoint
from tests.conftest import encode, melody


def made(name: str, seed: int, like: TrackSummary | None = None) -> TrackSummary:
    """A track with random answers; like: with the embeddings of another, a tenth longer."""
    random = np.random.default_rng(seed)
    embeddings = (
        tuple(random.standard_normal(8) for _ in range(2))
        if like is None
        else tuple(1.1 * e for e in like.embeddings)
    )
    answers = []
    for task, labels in (("genre", GENRES), ("mood", MOODS)):
        row = random.dirichlet(np.ones(len(labels)))
        answers.append(Prediction(task, labels, row[None], np.zeros(1), 3.0, row))
    return TrackSummary(name, str(seed), 10.0 * seed, tuple(answers), embeddings)


TRACKS = [made(name, seed) for seed, name in enumerate(["blue", "green", "red", "white"], 1)]


def test_similarity_is_symmetric_one_for_itself_and_bounded() -> None:
    for network in (None, 0, 1):
        found = similarity.cosine(TRACKS, network)
        np.testing.assert_array_equal(found, found.T)
        np.testing.assert_array_equal(np.diag(found), 1)
        assert np.abs(found).max() <= 1


def test_the_plane_is_the_principal_components_of_unit_embeddings() -> None:
    """Against scikit-learn's PCA, up to the signs of the axes; tracks alike lie together."""
    rows = np.array([track.embeddings[0] / np.linalg.norm(track.embeddings[0]) for track in TRACKS])
    expected = PCA(2).fit_transform(rows)
    points = similarity.plane(similarity.cosine(TRACKS, 0))
    np.testing.assert_allclose(np.abs(points), np.abs(expected), atol=1e-6)
    assert (points.max(axis=0) >= -points.min(axis=0)).all()
    twin = similarity.plane(similarity.cosine([*TRACKS, made("twin", 9, like=TRACKS[0])]))
    np.testing.assert_allclose(twin[0], twin[-1], atol=1e-6)
    assert similarity.plane(np.ones((1, 1))).shape == (1, 2)


def test_similarity_is_the_cosine_of_the_angle() -> None:
    a, b = (TRACKS[i].embeddings[1] for i in (0, 2))
    expected = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
    assert similarity.cosine(TRACKS, 1)[0, 2] == pytest.approx(expected)
    both = [similarity.cosine(TRACKS, i)[0, 2] for i in (0, 1)]
    assert similarity.cosine(TRACKS)[0, 2] == pytest.approx(np.mean(both))


def test_a_track_is_nearest_to_its_own_copy_whatever_the_order() -> None:
    copied, seen = [*TRACKS, made("red too", 9, like=TRACKS[2])], []
    for order in ([0, 1, 2, 3, 4], [4, 2, 0, 1, 3], [2, 3, 1, 4, 0]):
        tracks = [copied[i] for i in order]
        near = similarity.nearest(similarity.cosine(tracks))
        found = {
            track.name: tracks[other].name for track, (other, _) in zip(tracks, near, strict=True)
        }
        assert (found["red"], found["red too"]) == ("red too", "red")
        seen.append(
            {name: other.removesuffix(" too") for name, other in found.items()}
        )  # which of two equals is anyone's
    assert seen[0] == seen[1] == seen[2]


def test_one_alone_has_no_nearest_and_a_zero_embedding_is_like_nothing() -> None:
    assert similarity.nearest(similarity.cosine(TRACKS[:1])) == []
    mute = replace(TRACKS[0], embeddings=(np.zeros(8), np.zeros(8)))
    assert similarity.cosine([mute, TRACKS[1]])[0, 1] == 0


def test_csv_has_every_class_the_nearest_and_the_broken() -> None:
    similarities = similarity.cosine(TRACKS)
    text = similarity.csv(TRACKS, similarities, [("bad.mp3", "This is a text file.")])
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["file"] for row in rows] == ["blue", "green", "red", "white", "bad.mp3"]
    assert rows[-1]["error"] == "This is a text file."
    for row, (other, value) in zip(rows, similarity.nearest(similarities), strict=False):
        assert row["sounds_most_like"] == TRACKS[other].name
        assert float(row["similarity"]) == pytest.approx(value, abs=1e-4)
        assert sum(float(row[f"genre:{label}"]) for label in GENRES) == pytest.approx(1, abs=1e-3)


def test_what_is_kept_of_a_track_is_what_the_whole_line_says_and_little_more(
    tiny: Checkpoint,
) -> None:
    networks = [Classifier(tiny), Classifier(tiny)]
    data = encode(melody(60))
    heard = similarity.summarise_file("folder/song.wav", data, networks)
    waveform, analysis = decode_and_predict(data, networks)
    assert (heard.name, heard.seconds) == ("song.wav", waveform.seconds)
    for kept, full, network, embedding in zip(
        heard.predictions, analysis.predictions, networks, heard.embeddings, strict=True
    ):
        np.testing.assert_allclose(kept.overall, full.overall)
        np.testing.assert_allclose(embedding, network.embedding(analysis.mel))
        assert kept.probabilities.shape == (1, 3)
    assert len(pickle.dumps(heard)) < 10_000
    assert similarity.summarise("song.wav", data, 60.0, analysis, networks).digest == heard.digest
    with pytest.raises(AudioError, match="silent"):
        similarity.summarise_file("x", encode(np.zeros(22_050, np.float32)), networks)


def test_names_are_one_line_without_folders_and_apart() -> None:
    assert similarity.display_name("../../etc/pass\nwd\x1b.mp3") == "pass wd .mp3"
    assert similarity.display_name("C:\\music\\a.mp3") == "a.mp3"
    assert similarity.display_name("///") == "track"
    assert len(similarity.display_name("ü" * 300 + ".mp3")) <= 80
    assert similarity.unique_name("a", ["a", "a (2)"]) == "a (3)"
