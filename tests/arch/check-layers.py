#!/usr/bin/env python3
"""Fail when an include climbs the stack or a third-party header escapes its fence (docs/architecture.md).

A quoted include names its layer: "image/image.h" is layer image. Each folder may use itself and the layers listed for it,
so the table below is the architecture.
"""
import pathlib
import re
import sys

LOW = {'base'}
LAYERS = {
    'dataset/base': LOW,
    'dataset/image': LOW | {'image'},
    'dataset/audio': LOW | {'audio'},
    'dataset/braille': LOW | {'image', 'braille'},
    'dataset/lang': LOW | {'braille', 'lang'},
    'dataset/manifest': LOW | {'braille', 'manifest'},
    'vkshaders': LOW | {'vk'},
    'models/nn': LOW | {'vk', 'nn'},
    'models/clip': LOW | {'vk', 'nn', 'clip'},
    'models/knn': LOW | {'vk', 'nn', 'knn'},
    'models/fastspeech2': LOW | {'vk', 'nn', 'fastspeech2'},
    'models/hifigan': LOW | {'vk', 'nn', 'hifigan'},
    'models/import': LOW | {'nn', 'import'},
}
TOP = {'base', 'image', 'audio', 'braille', 'lang', 'manifest', 'vk', 'nn', 'clip', 'knn', 'fastspeech2', 'hifigan', 'import', 'pipeline'}
LAYERS |= {'models/pipeline': TOP, 'tools': TOP | {'tools'}, 'daemon': TOP | {'daemon'}}
FENCES = {  # third-party header -> the only folders that may include it
    r'vulkan/': ('vkshaders',),
    r'systemd/sd-': ('daemon', 'tools'),
    r'png\.h|jpeglib\.h|turbojpeg\.h|tiffio\.h|opencv2/': ('dataset/image',),
    r'openssl/': ('dataset/base',),
    r'expat\.h': ('dataset/lang',),
    r'liblouis/': ('dataset/lang',),
    r'microhttpd\.h': ('tools/dataset/review',),
    r'archive(_entry)?\.h': ('tools/dataset/export',),
    r'(sndfile|samplerate)\.h|opusenc\.h|alsa/': ('dataset/audio',),
    r'kiss_fft': ('models/hifigan',),
    r'utf8proc\.h': ('models/clip',),
    r'sonic\.h': ('models/pipeline',),
    r'sane/': ('tools/ctl/scan',),
    r'zlib\.h': ('models/import',),
}

root = pathlib.Path(sys.argv[1])
bad = seen = 0
for folder, allowed in LAYERS.items():
    for f in sorted((root / folder).rglob('*')):
        if f.suffix not in ('.c', '.h', '.cpp'):
            continue
        seen += 1
        for n, line in enumerate(f.read_text().splitlines(), 1):
            m = re.match(r'\s*#\s*include\s+(["<])([^">]+)', line)
            if not m:
                continue
            where = f'{f.relative_to(root)}:{n}'
            if m[1] == '"' and '/' in m[2] and m[2].split('/')[0] not in allowed:
                print(f'{where}: {folder} may not include "{m[2]}"')
                bad += 1
            for pattern, homes in FENCES.items():
                if re.match(pattern, m[2]) and not f.relative_to(root).as_posix().startswith(homes):
                    print(f'{where}: <{m[2]}> belongs in {" and ".join(homes)} only')
                    bad += 1
if not seen:
    sys.exit('no sources found')
sys.exit(bool(bad))
