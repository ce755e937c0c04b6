"""Augmentations of the waveform, each one small frozen object.

Its fields are its strengths, checked when it is made. An effect with a `seed` has the same random
part for equal seeds. `apply(samples, sample_rate)` takes samples [..., T] and returns as many, of
the same type; an item of a batch does not depend on the others.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
