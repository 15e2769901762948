#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""frechet-golden.py >tests/data/frechet.json: what frechet_audio_distance itself says of made embeddings.

Its wheel alone is installed (pip install --no-deps frechet-audio-distance==0.3.4) beside numpy, scipy and torch: the networks that the package imports
but that its distance does not use are empty modules here. The test makes the same rows with rows() and compares.
"""
import json
import sys
import types


def rows(seed, n, dim, spread, shift):
    """n rows that are correlated, by Vigna's splitmix64, so that they are the same everywhere."""
    mask, state = (1 << 64) - 1, seed
    values = []
    for _ in range(n * dim):
        state = state + 0x9e3779b97f4a7c15 & mask
        z = state
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9 & mask
        z = (z ^ z >> 27) * 0x94d049bb133111eb & mask
        values.append(((z ^ z >> 31) >> 11) / (1 << 53) - 0.5)
    return [[spread * (values[i * dim + k] + 0.5 * values[i * dim + k // 2] + 0.25 * values[i * dim]) + shift * (k % 3) for k in range(dim)] for i in range(n)]


# dim, rows of both, spread and shift of the second; the last has fewer rows than channels: its covariance is singular
CASES = ((2, 50, 60, 1.0, 0.0), (3, 40, 33, 1.5, 0.3), (16, 100, 90, 0.7, 0.1), (64, 200, 220, 1.2, 0.05), (128, 300, 260, 1.0, 0.2), (128, 60, 70, 1.1, 0.1))


def case(i):
    dim, n, m, spread, shift = CASES[i]
    return rows(100 + i, n, dim, 1.0, 0.0), rows(200 + i, m, dim, spread, shift)


def package():
    for name in ('resampy', 'laion_clap', 'encodec', 'torchlibrosa', 'torchlibrosa.stft', 'torchlibrosa.augmentation'):
        sys.modules[name] = types.ModuleType(name)
    sys.modules['encodec'].EncodecModel = sys.modules['torchlibrosa.stft'].Spectrogram = sys.modules['torchlibrosa.stft'].LogmelFilterBank = None
    sys.modules['torchlibrosa.augmentation'].SpecAugmentation = None
    from importlib.metadata import version

    import numpy
    import scipy
    from frechet_audio_distance.fad import FrechetAudioDistance
    fad = object.__new__(FrechetAudioDistance)  # its constructor fetches a network
    values = []
    for i in range(len(CASES)):
        a, b = case(i)
        values.append(float(fad.calculate_frechet_distance(*fad.calculate_embd_statistics(a), *fad.calculate_embd_statistics(b)).real))
    json.dump({'package': 'frechet_audio_distance ' + version('frechet_audio_distance'), 'numpy': numpy.__version__, 'scipy': scipy.__version__, 'values': values},
              sys.stdout, indent=1)
    print()


if __name__ == '__main__':
    package()
