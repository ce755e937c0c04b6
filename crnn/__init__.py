"""Genre and mood of music over time, by convolutional recurrent networks (CRNNs).

    source ──> decode ──> log-mel ──> segments ──> CRNN ──> track prediction ──> figures
    bytes      [T] f32     [M, F] dB   [S, 1, M, W]  [S, K]    [K]                  plotly
               audio       audio       model         model     inference            viz

`crnn.analyse("song.mp3")` runs the whole line, and so does `crnn song.mp3` in a terminal. A
checkpoint (`model`) holds the weights and all settings that serving needs; `augment` alters
spectrograms and waveforms, `explain` attributes predictions to them, `baseline` is an SVM on
hand-crafted features, `sources` fetches audio.

Axes: T samples, M mel bands (low first), F frames, S segments, W frames a segment, K classes.

Sub-packages and names are loaded on first use: `import crnn` alone loads neither torch nor librosa.
"""

import lazy_loader

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
