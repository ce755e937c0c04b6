"""The attribution map over its spectrogram."""

import torch

from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.audio.mel import log_mel
from crnn.explain.deletion import Attribution, top_mask
from crnn.viz import attribution
from tests.conftest import melody


def test_evidence_for_the_class_lies_over_the_spectrogram() -> None:
    mel = log_mel(melody(12.0), GTZAN_FRONT_END)
    values = torch.linspace(-1, 1, mel.numel()).view(mel.shape[1], 128).T  # grows with time
    found = Attribution("Occlusion", values, top_mask(values), 0.62, 0.18, 0.55)
    figure = attribution.overlay(found, mel.numpy(), GTZAN_FRONT_END, 60.0, "title")
    grey, amber, outline = figure.data
    assert grey.x[0] == amber.x[0] == outline.x[0] == 60.0
    assert amber.z.min() == 0
    assert amber.z[:, : mel.shape[1] // 2 - 1].max() == 0  # evidence against it is not shown
    assert outline.z.sum() == found.mask.sum()
    assert figure.layout.yaxis.title.text == "Frequency (Hz)"
