"""SpecAugment's policies (Park et al. 2019, table 1), in the units of `Strengths`.

They were chosen for speech: frames of 10 ms, 80 mel bands, utterances of some seconds.
"""

from dataclasses import dataclass

from crnn.audio.front_end import FrontEnd
from crnn.augment.plan import HOP_LENGTH, Strengths

_FRAME_SECONDS, _BANDS = 0.01, 80


@dataclass(frozen=True)
class Policy:
    """A row of the table.

    W, T: frames of 10 ms; F: bands of 80; masks: of each kind (m_F = m_T); p: the longest time mask
    as a fraction of the sound.
    """

    W: int
    F: int
    T: int
    masks: int
    p: float

    def strengths(self, front_end: FrontEnd, seconds: float, seed: int = 0) -> Strengths:
        """For pieces of a length: the same seconds, and the same fraction of the bands."""
        hop = HOP_LENGTH / front_end.sample_rate
        longest = min(self.T * _FRAME_SECONDS, self.p * seconds)
        return Strengths(
            time_mask=int(longest / hop),
            frequency_mask=round(self.F / _BANDS * front_end.n_mels),
            time_warp=round(self.W * _FRAME_SECONDS / hop),
            masks=self.masks,
            seed=seed,
        )


POLICIES = {
    "LB": Policy(W=80, F=27, T=100, masks=1, p=1.0),
    "LD": Policy(W=80, F=27, T=100, masks=2, p=1.0),
    "SM": Policy(W=40, F=15, T=70, masks=2, p=0.2),
    "SS": Policy(W=40, F=27, T=70, masks=2, p=0.2),
}
