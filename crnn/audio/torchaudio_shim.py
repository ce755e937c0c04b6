"""Import shim: torchaudio beside a CPU-only torch.

torchaudio 2.11's Linux wheel on PyPI is built for CUDA: without libc10_cuda.so its optional native
extension can't be loaded and `import torchaudio` raises OSError, although mel spectrograms are pure
PyTorch. Where torch has no CUDA, a stand-in reports that there is no extension. Wheels that match
their torch (macOS, Windows, CUDA, PyTorch's CPU index) work either way.
"""

import sys
from types import ModuleType

import torch

if torch.version.cuda is None and "torchaudio" not in sys.modules:
    _extension = ModuleType("torchaudio._extension")
    vars(_extension).update(
        _IS_TORCHAUDIO_EXT_AVAILABLE=False,
        _IS_ALIGN_AVAILABLE=False,
        fail_if_no_align=lambda function: function,
        _check_cuda_version=lambda: None,
    )
    sys.modules["torchaudio._extension"] = _extension

import torchaudio

__all__ = ["torchaudio"]
