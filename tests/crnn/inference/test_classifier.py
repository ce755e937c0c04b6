"""Laws of predictions, for an untrained network and for the bundled ones."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.audio.mel import log_mel
from crnn.errors import AudioError
from crnn.inference.analysis import decode_and_predict
from crnn.inference.classifier import Classifier
from crnn.inference.prediction import Prediction
from crnn.labels import GENRES, MOODS
from crnn.model.checkpoint import Checkpoint
from crnn.model.segments import cut_segments
from tests.conftest import encode, melody


@pytest.fixture(scope="module")
def bundled() -> tuple[Classifier, ...]:
    return tuple(Classifier(Checkpoint.load(name)) for name in ("genre", "mood"))


@pytest.mark.parametrize("seconds", [0.2, 2.9, 3.0, 7.3, 31.0])
def test_rows_sum_to_one(tiny: Checkpoint, seconds: float) -> None:
    prediction = Classifier(tiny).predict(log_mel(melody(seconds), GTZAN_FRONT_END))
    np.testing.assert_allclose(prediction.probabilities.sum(axis=1), 1)
    assert prediction.overall.sum() == pytest.approx(1)
    assert prediction.probabilities.shape == (len(prediction.starts), 3)
    assert prediction.repeated == (seconds < 2.95)


def test_many_segments_are_each_what_they_are_alone(
    tiny: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    mel = log_mel(melody(31), GTZAN_FRONT_END)
    together = Classifier(tiny).predict(mel)
    monkeypatch.setattr("crnn.inference.classifier._BATCH_SIZE", 1)
    np.testing.assert_allclose(
        Classifier(tiny).predict(mel).probabilities, together.probabilities, atol=1e-5
    )


def test_temperature_flattens_and_keeps_the_order_of_a_segment(tiny: Checkpoint) -> None:
    mel = log_mel(melody(3), GTZAN_FRONT_END)
    sharp, flat = (Classifier(replace(tiny, temperature=t)).predict(mel) for t in (0.5, 5.0))
    assert sharp.overall.max() > flat.overall.max()
    assert [label for label, _ in sharp.ranked()] == [label for label, _ in flat.ranked()]


def test_a_finer_hop_gives_more_segments(tiny: Checkpoint) -> None:
    mel = log_mel(melody(9), GTZAN_FRONT_END)
    apart, default, fine = (
        Classifier(tiny).predict(mel, hop_seconds=hop) for hop in (3.0, None, 0.5)
    )
    assert len(apart.starts) == 3
    for answer, hop in ((apart, 3.0), (default, 1.0), (fine, 0.5)):
        assert np.diff(answer.starts)[0] == pytest.approx(hop, abs=GTZAN_FRONT_END.hop_seconds)
        assert answer.starts[-1] + 3.0 == pytest.approx(9.0, abs=2 * GTZAN_FRONT_END.hop_seconds)


def test_progress_reaches_the_end(tiny: Checkpoint) -> None:
    seen: list[float] = []
    decode_and_predict(encode(melody(5)), [Classifier(tiny), Classifier(tiny)], seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def prediction(*overall: float) -> Prediction:
    labels = tuple("abcdef"[: len(overall)])
    row = np.array(overall)
    return Prediction("toy", labels, row[None], np.zeros(1), 3.0, row)


def test_top_three_and_other() -> None:
    assert prediction(0.1, 0.4, 0.2, 0.25, 0.05).top(3) == [
        ("b", 0.4),
        ("d", 0.25),
        ("c", 0.2),
        ("Other", pytest.approx(0.15)),
    ]


def test_without_a_rest_there_is_no_other() -> None:
    assert [label for label, _ in prediction(0.5, 0.3, 0.2).top(3)] == ["a", "b", "c"]


def test_bundled_checkpoints_know_their_labels(bundled: tuple[Classifier, ...]) -> None:
    assert [c.checkpoint.labels for c in bundled] == [GENRES, MOODS]
    finer = replace(GTZAN_FRONT_END, hop_length=1024)
    assert [c.checkpoint.front_end for c in bundled] == [GTZAN_FRONT_END, finer]


def test_level_of_the_recording_does_not_matter(bundled: tuple[Classifier, ...]) -> None:
    samples = melody(9)
    loud, soft = (
        decode_and_predict(encode(gain * samples, subtype="FLOAT"), bundled)[1]
        for gain in (1.0, 0.01)
    )
    for a, b in zip(loud.predictions, soft.predictions, strict=True):
        np.testing.assert_allclose(a.overall, b.overall, atol=1e-3)


def test_silence_is_not_classified(bundled: tuple[Classifier, ...]) -> None:
    with pytest.raises(AudioError, match="silent"):
        decode_and_predict(encode(np.zeros(66_150, np.float32)), bundled)


def test_threads_share_a_classifier(tiny: Checkpoint) -> None:
    from concurrent.futures import ThreadPoolExecutor

    classifier, mels = (
        Classifier(tiny),
        [log_mel(melody(6, seed=i), GTZAN_FRONT_END) for i in range(4)],
    )
    alone = [classifier.predict(mel).overall for mel in mels]
    with ThreadPoolExecutor(4) as pool:
        together = [p.overall for p in pool.map(classifier.predict, mels)]
    np.testing.assert_allclose(together, alone, atol=1e-6)
    assert torch.is_inference_mode_enabled() is False


def test_an_embedding_is_the_mean_of_its_segments_and_leads_to_the_logits(tiny: Checkpoint) -> None:
    classifier, mel = Classifier(tiny), log_mel(melody(9), GTZAN_FRONT_END)
    width = tiny.model.config.frames
    whole = mel[:, : 3 * width]
    parts = [classifier.embedding(whole[:, i * width : (i + 1) * width]) for i in range(3)]
    assert parts[0].shape == (tiny.model.embedding_size,)
    np.testing.assert_allclose(classifier.embedding(whole), np.mean(parts, axis=0), atol=1e-6)
    first = cut_segments(whole, classifier.plan(width))
    with torch.inference_mode():
        logits = tiny.model.linear(torch.from_numpy(parts[0]).float())
        torch.testing.assert_close(logits, tiny.model(first)[0], atol=1e-5, rtol=1e-4)
