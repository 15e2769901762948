#!/usr/bin/env python3
"""image_stretch() gives the bytes that Pillow's resize(size, BICUBIC) gives. test-stretch.py STRETCH"""
import os
import pathlib
import subprocess
import sys
import tempfile

try:
    import numpy
    from PIL import Image
except ImportError as e:
    if os.environ.get('NEED_PACKAGES') == '1':
        raise
    print(f'{e}; see tests/requirements.txt')
    sys.exit(77)

SIZES = [  # from, to
    ((64, 48), (64, 48)), ((64, 48), (32, 48)), ((64, 48), (64, 97)), ((96, 32), (24, 8)), ((31, 77), (96, 32)),
    ((640, 480), (224, 224)), ((1001, 37), (336, 336)), ((224, 224), (336, 336)), ((1, 1), (5, 7)), ((2, 3), (1, 1)),
    ((7, 5), (224, 224)), ((500, 2), (3, 2)), ((3, 2000), (3, 1)), ((2481, 301), (97, 31)),
    ((40, 90), (30, 70)), ((40, 90), (30, 69)), ((40, 90), (96, 91)),  # about where Pillow turns the passes round
]


def pictures(width, height, random):
    """Noise (every rounding), hard edges (over- and undershoot that must be clipped), a slope."""
    noise = random.integers(0, 256, (height, width, 3), dtype=numpy.uint8)
    yield noise
    yield noise[:, :, 0]
    yield (noise[:, :, 1] > 127).astype(numpy.uint8) * 255
    yield numpy.add.outer(numpy.arange(height) * 3, numpy.arange(width)).astype(numpy.uint8)


def main():
    random = numpy.random.default_rng(8)
    with tempfile.TemporaryDirectory() as folder:
        args, cases = [], []
        for size, to in SIZES:
            for pixels in pictures(*size, random):
                image = Image.fromarray(pixels)
                names = [f'{folder}/{len(cases)}-{end}.p{"p" if pixels.ndim == 3 else "g"}m' for end in ('in', 'out')]
                image.save(names[0])
                args += [*names, str(to[0]), str(to[1])]
                cases.append((image.resize(to, Image.Resampling.BICUBIC), names[1]))
        subprocess.run([sys.argv[1], *args], check=True)
        bad = 0
        for want, name in cases:
            got = Image.open(name)
            assert got.mode == want.mode and got.size == want.size, name
            if got.tobytes() != want.tobytes():
                off = numpy.abs(numpy.asarray(got, int) - numpy.asarray(want, int))
                print(f'{pathlib.Path(name).name} {want.size}: {numpy.count_nonzero(off)} values differ, at most by {off.max()}')
                bad += 1
        # a size that no picture has is refused
        for size in ('0', '65536'):
            assert subprocess.run([sys.argv[1], *args[:2], size, '5'], stderr=subprocess.DEVNULL).returncode == 1
    print(f'{len(cases)} pictures')
    sys.exit(bool(bad))


main()
