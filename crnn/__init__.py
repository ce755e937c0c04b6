"""Hear a track, see its mel spectrogram, see how genre and mood spread along it.

    source ──> decode ──> log-mel ──> segments ──> CRNN ──> distributions ──> figures
    bytes      [T] f32     [M, F] dB   [S, 1, M, W]  [S, K]    [K] per track      plotly
               audio       spectrogram segments      model     classify           figures

Each arrow is one file of this package; `checkpoint` turns a folder into the network and all it needs to
be served (front end, labels, segment length, temperature), `augment` changes spectrograms on purpose, and
`python -m crnn song.mp3` runs the whole line from a terminal.

Axes: T samples, M mel bands (low first), F frames, S segments, W frames a segment, K classes.
"""

__version__ = "0.1.0"
