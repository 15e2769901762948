#!/usr/bin/env python3
"""Fail when a weights file that ships has no card, or its card names another file's SHA-256; or when the files grow too large for the repository."""
import hashlib
import pathlib
import re
import sys

folder = pathlib.Path(sys.argv[1]) / 'models' / 'weights'
files = sorted(folder.glob('*.safetensors')) + sorted((folder.parents[1] / 'dataset').rglob('*.f16'))
bad = 0
for f in files:
    card = f.with_suffix('.md')
    digest = hashlib.sha256(f.read_bytes()).hexdigest()
    told = re.findall(r'\b[0-9a-f]{64}\b', card.read_text()) if card.exists() else []
    if told != [digest]:
        print(f'{f.name}: SHA-256 {digest}, its card {card.name} says {told or "nothing"}')
        bad += 1
if sum(f.stat().st_size for f in files) > 40 << 20:
    print('the weights take more than 40 MiB')
    bad += 1
if not files:
    sys.exit(f'no weights in {folder}')
sys.exit(bool(bad))
