# SPDX-License-Identifier: Apache-2.0
"""A small cleaned set to review, and a running `braille-dataset review` to talk to."""
import http.client
import json
import pathlib
import re
import resource
import socket
import subprocess
import urllib.parse

import sets
from harness import DATASET, require

FAULTS = ['missing', 'extra', None, 'stray', 'odd']  # what clean.jsonl says of every unsure picture in turn
COUNTS = {'number': 14, 'spell': 8, 'punctuation': 2}


def place(cell, dot):
    """Where dot 1-6 of a cell lies in the pictures of sets.py."""
    return [sets.MARGIN + cell * sets.CELL + (dot > 3) * sets.PITCH, sets.MARGIN + (dot - 1) % 3 * sets.PITCH]


def fault_of(record):
    """Which fault the line of this record has; None: none, or it is not in the queue."""
    return record['fault']


def judge(record, verdict, fault):
    """A line as `clean` writes it, with a fault that is in the line only."""
    wanted = [place(i, int(d)) for i, c in enumerate(record['cells']) for d in c]
    dots = [{'at': [x + 0.4, y - 0.3], 'wanted': [x, y]} for x, y in wanted]
    if fault == 'missing':
        del dots[-1]['at']
    if fault == 'extra':
        dots.append({'at': place(len(record['cells']), 2)})
    if fault == 'stray':
        x, y = place(0, 1)
        dots.append({'at': [x + 0.5 * sets.PITCH, y + 0.5 * sets.PITCH]})
    if fault == 'odd':
        dots[0]['wanted'][0] += 300
    columns = sorted({x for x, y in wanted})
    expected = [x - columns[0] for x in columns[1:]]
    measured = [x + 0.5 for x in expected] + ([place(len(record['cells']), 2)[0] - columns[0]] if fault == 'extra' else [])
    rule = {'missing': 'a dot of the label is not there', 'twin': 'the same print as n0001'}.get(fault, 'doubt <b>&amp;</b>')
    return {'id': record['id'], 'verdict': verdict, 'side': 'right' if fault == 'extra' else None, 'expected': expected, 'measured': measured,
            'pitch': sets.PITCH, 'cell': sets.CELL, 'skew': 0.0, 'rule': rule, 'doubt': 0.4, 'dots': dots, 'picture': f'clean/{record["id"]}.png' if fault == 'extra' else None}


def make_set(path):
    """Pictures, manifest, clean.jsonl, clean/*.png; the records with their 'fault'. A third each is unsure, clean and something else."""
    path = pathlib.Path(path)
    records = sets.make(path, COUNTS)
    (path / 'clean').mkdir()
    lines, n = [], 0
    others = ['over', 'under', 'mismatch', 'over', 'misaligned', 'blank', 'duplicate', 'over']
    for k, r in enumerate(records):
        r['fault'] = None
        verdict = ('unsure', 'clean', others[k // 3 % len(others)])[k % 3]
        if verdict == 'unsure':
            r['fault'] = FAULTS[n % len(FAULTS)]
            n += 1
        lines.append(judge(r, verdict, 'twin' if verdict == 'duplicate' else r['fault']))
        if lines[-1]['picture']:
            (path / lines[-1]['picture']).write_bytes((path / r['image']).read_bytes())
    sets.write(path, lines, 'clean.jsonl')
    return records


class Server:
    """`with Server(DIR, OPTION...) as s`: killed afterwards."""

    def __init__(self, *args, limit=None):
        def at_start():
            if limit:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
                import signal
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        self.process = subprocess.Popen([str(DATASET), 'review', '--json', '--quiet', *map(str, args)], stdout=subprocess.PIPE,
                                        preexec_fn=at_start, restore_signals=False)
        line = self.process.stdout.readline()
        require(line, 'no address; exit code', self.process.poll() if line else self.process.wait())
        self.url = json.loads(line)['url']
        require(re.fullmatch(r'http://127\.0\.0\.1:\d+/[0-9a-f]+/', self.url), self.url)
        parts = urllib.parse.urlparse(self.url)
        self.host, self.port, self.path = parts.netloc, parts.port, parts.path

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    @staticmethod
    def start_apply(where, out):
        return subprocess.Popen([str(DATASET), 'review', '--apply', '--quiet', '-o', str(out), str(where)], stdout=subprocess.DEVNULL)

    def ask(self, path, body=None, method=None, absolute=False, **headers):
        """(status, headers, bytes)"""
        c = http.client.HTTPConnection('127.0.0.1', self.port, timeout=30)
        try:
            c.putrequest(method or ('POST' if body is not None else 'GET'), path if absolute else self.path + path, skip_host=True)
            headers = {'Host': self.host, **({'Content-Type': 'application/json'} if body is not None else {}), **headers}
            for key, value in headers.items():
                c.putheader(key, value)
            if body is not None:
                c.putheader('Content-Length', str(len(body)))
            c.endheaders()
            try:
                if body is not None:
                    c.send(body)
            except (BrokenPipeError, ConnectionResetError):
                pass  # refused before all was sent: the answer is there
            r = c.getresponse()
            return r.status, dict(r.getheaders()), r.read()
        finally:
            c.close()

    def raw(self, head, body=b''):
        """What comes back for these very bytes."""
        with socket.create_connection(('127.0.0.1', self.port), timeout=30) as c:
            try:
                c.sendall(head.encode() + body)
            except (BrokenPipeError, ConnectionResetError):
                pass
            answer = b''
            while b'\r\n\r\n' not in answer:
                more = c.recv(65536)
                if not more:
                    break
                answer += more
            return answer

    def get(self, path):
        status, _, data = self.ask(path)
        require(status == 200, path, status, data[:300])
        return json.loads(data)

    def post(self, path, body):
        status, _, data = self.ask(path, json.dumps(body).encode())
        require(status == 200, path, body, status, data[:300])
        return json.loads(data)

    def first(self):
        return self.get('item?at=0')['item']['id']

    def decide(self, ident, action, **more):
        return self.post('decide', {'id': ident, 'action': action, **more})

    def undo(self, **more):
        return self.post('undo', more)
