"""Data augmentation of log-mel spectrograms and waveforms, sampled apart from applied."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
