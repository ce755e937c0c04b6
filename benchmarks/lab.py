"""What a moved control of the lab costs, as a multiple of librosa's mel spectrogram of 30 s."""

from typing import Any

import librosa
import numpy as np
import torch

from benchmarks.ratios import against
from benchmarks.speed import in_turns
from crnn.audio.decode import decode
from crnn.augment import plan
from crnn.augment.effects import BandPass, Clipping, Codec, PitchShift, Reverberation
from crnn.augment.robustness import curves, sweep
from crnn.augment.waveform import render
from crnn.inference.classifier import Classifier
from crnn.model.checkpoint import Checkpoint
from crnn.sources.examples import EXAMPLES
from crnn.viz import augmentation
from crnn.viz.player import image

ALL_ON = plan.Strengths(time_mask=50, frequency_mask=60, time_warp=20, snr_db=10.0, noise="pink")
FIVE = plan.Strengths(
    effects=(
        *(PitchShift(2), Reverberation(1.5), Clipping(12), BandPass(300, 3400)),
        Codec("mp3", 32),
    )
)


def measure(rounds: int = 9) -> dict[str, Any]:
    """Medians in seconds, two threads, everything on; median ratio to librosa's mel."""
    torch.set_num_threads(2)
    classifiers = [Classifier(Checkpoint.load(name)) for name in ("genre", "mood")]
    front_end = classifiers[0].checkpoint.front_end
    samples = torch.from_numpy(
        decode(EXAMPLES["mountain"].file, sample_rate=22_050, downmix="mean").samples
    )
    seconds = len(samples) / front_end.sample_rate
    before = plan.analyse(samples, classifiers)

    def figures() -> None:
        sampled = plan.sample(ALL_ON, seconds, front_end)
        after = plan.analyse(samples, [], sampled, front_end)
        for mel in (before.mel, after.mel, after.mel - before.mel):
            image(mel)

    def everything() -> None:
        sampled = plan.sample(ALL_ON, seconds, front_end)
        after = plan.analyse(samples, classifiers, sampled)
        for mel in (before.mel, after.mel, after.mel - before.mel):
            image(mel)
        augmentation.warp_map(sampled).to_json()
        augmentation.shifts(plan.largest_shifts(before, after, 5)).to_json()

    ten = samples[: 10 * 22_050]
    times = in_turns(
        {
            "librosa mel": lambda: librosa.power_to_db(
                librosa.feature.melspectrogram(y=samples.numpy(), sr=22_050), ref=np.max
            ),
            "new pictures": figures,
            "all figures and predictions": everything,
            "sound of 10 s": lambda: render(ten, plan.sample(ALL_ON, 10.0, front_end), front_end),
            "sound of 10 s, five effects": lambda: render(
                ten, plan.sample(FIVE, 10.0, front_end), front_end
            ),
            "robustness curve of 3 s": lambda: curves(
                samples[:66_150], classifiers, sweep("noise", front_end)
            ),
        },
        rounds,
    )
    return against(times, "librosa mel", 2)
