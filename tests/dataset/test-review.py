#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""braille-dataset review: the server by its HTTP, what survives a kill, what --apply writes. The page: test-review-page.py."""
import concurrent.futures
import http.client
import json
import os
import shutil
import signal
import socket
import time

import reviewed
import sets
from harness import files, folder, jsonl, main, require, run, write_jsonl
from reviewed import Server, make_set

FORBIDDEN, UNKNOWN = 403, 404


def post(server, path, body, **headers):
    return server.ask(path, body if isinstance(body, bytes) else json.dumps(body).encode(), **headers)


def options():
    """Wrong uses end with the promised code and a word that helps."""
    text = run('review', '--help').text
    for word in ('--verdict', '--apply', '--summary', '--port', '--reviewer', '--again', 'keyboard'):
        require(word in text, word, 'is not in --help')
    with folder() as tmp:
        run('review', code=64)
        run('review', tmp, tmp, code=64)
        run('review', '--verdict', 'nice', tmp, code=64, says="'nice'")
        run('review', '--apply', tmp, code=64, says='-o OUT')
        run('review', '-o', tmp / 'out', tmp, code=64, says='--apply')
        run('review', '--reviewer', '\udcff\udcfe', tmp, code=64, says='UTF-8')
        run('review', tmp / 'none', code=66, says='manifest.jsonl')
        sets.make(tmp / 'set', {'number': 2})
        run('review', tmp / 'set', code=66, says='clean')
        for line, says in (('{', 'line 1'), ('{"id": "n0000"}', 'verdict'), ('{"verdict": "over"}', 'id'),
                           ('{"id": "n0000", "verdict": "splendid"}', 'verdict')):
            (tmp / 'set/clean.jsonl').write_text(line + '\n')
            run('review', '--summary', tmp / 'set', code=65, says=says)
        (tmp / 'set/clean.jsonl').write_text('')
        for line in ('{"n": 1, "id": "n0000", "action": "dance"}', '{"n": 1, "id": "n0000", "action": "recrop", "rect": [1, 2, 3]}',
                     '{"n": 1, "id": "n0000", "action": "relabel", "text": "5", "cells": ["177"]}', '{"n": 0, "id": "n0000", "action": "accept"}'):
            (tmp / 'set/review.jsonl').write_text(line + '\n')
            run('review', '--summary', tmp / 'set', code=65, says='review.jsonl')
        (tmp / 'set/review.jsonl').unlink()
        manifest = (tmp / 'set/manifest.jsonl').read_text()
        (tmp / 'set/manifest.jsonl').write_text(manifest + manifest)
        run('review', '--summary', tmp / 'set', code=65, says='twice')


def doors():
    """Nobody without the address gets in, and nobody gets files."""
    with folder() as tmp:
        make_set(tmp / 'set')
        (tmp / 'secret').write_text('secret')
        with Server(tmp / 'set') as s:
            token = s.path.strip('/')
            require(len(token) == 32 and set(token) <= set('0123456789abcdef'), 'the token is', token)
            status, headers, page = s.ask('')
            require(status == 200 and b'<h1' in page)
            policy = headers['Content-Security-Policy']
            require("default-src 'none'" in policy and 'unsafe' not in policy, policy)
            require(headers['Cache-Control'] == 'no-store' and headers['X-Content-Type-Options'] == 'nosniff')
            other = token[:-1] + ('0' if token[-1] != '0' else '1')
            for path in ('/', '/item?at=0', f'/{other}/', f'/{token[:-1]}/', f'/{token}', f'/{token}x/', f'/{token.upper()}/x/',
                         '/favicon.ico', f'/?token={token}', f'//{token}/'):
                require(s.ask(path, absolute=True)[0] == FORBIDDEN, path)
            for host in ('evil.example', f'evil.example:{s.port}', '127.0.0.1.evil.example', 'localhost.evil.example', f'127.0.0.1:{s.port}x', ''):
                require(s.ask('', Host=host)[0] in (400, FORBIDDEN), 'Host', host)
            for host in (f'127.0.0.1:{s.port}', f'localhost:{s.port}', 'localhost:9999', 'LOCALHOST'):
                require(s.ask('', Host=host)[0] == 200, 'Host', host)
            require(s.raw(f'GET {s.path} HTTP/1.0\r\n\r\n').split()[1] in (b'400', b'403'), 'no Host at all')
            decision = {'id': s.first(), 'action': 'accept'}
            for name, value in (('Origin', 'http://evil.example'), ('Origin', 'null'), ('Origin', f'https://127.0.0.1:{s.port}'),
                                ('Sec-Fetch-Site', 'cross-site'), ('Sec-Fetch-Site', 'same-site'), ('Sec-Fetch-Site', 'none')):
                require(post(s, 'decide', decision, **{name: value})[0] == FORBIDDEN, name, value)
            require(s.ask('item?at=0', **{'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'cors'})[0] == FORBIDDEN)
            require(s.ask('', **{'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate'})[0] == 200)
            for path in ('../secret', '%2e%2e/secret', '..%2fsecret', 'picture?id=../secret', 'picture?id=..%2F..%2Fsecret', 'picture?id=%00',
                         'picture?id=n0000%00.png', 'picture', 'drawing?id=../../secret', 'drawing?id=/etc/passwd', 'manifest.jsonl', 'images/n0000.png',
                         'picture?id=%ff%fe', 'item?id=nobody', 'item?at=-1', 'item?at=99999', 'item?at=1e3', 'item', 'review.html', 'decide'):
                status, _, data = s.ask(path)
                require(status == UNKNOWN and b'secret' not in data, path, status)
            status, headers, data = s.ask('picture?id=n0000')
            require(status == 200 and headers['Content-Type'] == 'image/png' and data == (tmp / 'set/images/n0000.png').read_bytes())
            require(not (tmp / 'set/review.jsonl').read_text(), 'a refused request has decided something')


def bodies():
    """What is too large, of the wrong kind or cut off is refused, and the server goes on."""
    with folder() as tmp:
        make_set(tmp / 'set')
        with Server(tmp / 'set') as s:
            big = json.dumps({'id': s.first(), 'action': 'note', 'note': 'x' * 100000}).encode()
            require(post(s, 'decide', big)[0] == 413)
            chunked = b''.join(b'1000\r\n' + b'x' * 0x1000 + b'\r\n' for _ in range(40)) + b'0\r\n\r\n'
            answer = s.raw(f'POST {s.path}decide HTTP/1.1\r\nHost: {s.host}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
                           chunked)
            require(answer.split()[1] == b'413', answer[:80])
            for body in (b'', b'{', b'[]', b'"x"', b'nonsense', b'{"id": "a", "id": "b"}', b'\xff', b'[' * 5000, b'{"id": "a\\u0000b"}'):
                require(post(s, 'decide', body)[0] == 400, body[:20])
            require(post(s, 'decide', b'{}', **{'Content-Type': 'text/plain'})[0] == 415)
            require(post(s, 'decide', b'{}', **{'Content-Type': 'application/x-www-form-urlencoded'})[0] == 415)
            for method in ('PUT', 'DELETE', 'OPTIONS', 'PATCH'):
                status, headers, _ = s.ask('decide', b'{}', method=method)
                require(status == 405 and 'POST' in headers['Allow'], method, status)
            require(s.ask('', method='HEAD')[0] == 200)
            i = s.first()
            for body in ({}, {'id': None}, {'id': 7}, {'id': 'nobody', 'action': 'accept'}, {'id': '../secret', 'action': 'accept'}):
                require(post(s, 'decide', body)[0] == UNKNOWN, body)
            for body in ({'action': None}, {'action': 'undo'}, {'action': 'explode'}, {'action': 'note'}, {'action': 'note', 'note': ''},
                         {'action': 'note', 'note': 5}, {'action': 'note', 'note': 'x' * 3000},
                         {'action': 'relabel'}, {'action': 'relabel', 'text': ''}, {'action': 'relabel', 'text': '5', 'dots': '3456 15'},
                         {'action': 'relabel', 'text': 'x' * 2000}, {'action': 'relabel', 'dots': '177'}, {'action': 'relabel', 'dots': '0 0'},
                         {'action': 'relabel', 'dots': '1 2 9'}, {'action': 'relabel', 'dots': ' ,; '}, {'action': 'recrop'},
                         {'action': 'recrop', 'rect': [0, 0, 10]}, {'action': 'recrop', 'rect': [0, 0, 10, 10.5]},
                         {'action': 'recrop', 'rect': [-1, 0, 10, 10]}, {'action': 'recrop', 'rect': [0, 0, 0, 10]},
                         {'action': 'recrop', 'rect': [0, 0, 99999999999, 10]}, {'action': 'recrop', 'rect': [0, 0, 10, 5000]},
                         {'action': 'recrop', 'rect': 'all'}, {'action': 'recrop', 'rect': [['a']] * 4}):
                status, _, data = post(s, 'decide', {'id': i, **body})
                require(status == 422 and json.loads(data)['error']['text'], body, status)
            slow = socket.create_connection(('127.0.0.1', s.port))  # a request that never comes to its end
            slow.sendall(f'POST {s.path}decide HTTP/1.1\r\nHost: {s.host}\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{{'.encode())
            require(s.ask('item?at=0')[0] == 200)
            slow.close()
            require(s.ask('item?at=0')[0] == 200)
            require(not (tmp / 'set/review.jsonl').read_text(), 'a refused request has decided something')


def decisions():
    """Each decision, what it answers, and its line in the journal."""
    with folder() as tmp:
        make_set(tmp / 'set')
        with Server(tmp / 'set', '--reviewer', '安娜') as s:
            first = s.get('item?at=open')
            queue = [s.get(f'item?at={k}')['item']['id'] for k in range(first['total'])]
            unsure = [r['id'] for r in jsonl(tmp / 'set/clean.jsonl') if r['verdict'] == 'unsure']
            require(queue == unsure and first['open'] == len(unsure) and first['at'] == 0, queue)
            a = s.decide(queue[0], 'accept')
            require(a['did'] == {'action': 'accept', 'id': queue[0], 'n': 1} and a['at'] == 1 and a['open'] == len(queue) - 1, a)
            a = s.decide(queue[1], 'relabel', text='ni3', note='smudged')
            require(a['did']['cells'] == ['1345', '24', '3'], a['did'])
            a = s.decide(queue[2], 'relabel', dots='3456 1,0 12')
            require(a['did']['cells'] == ['3456', '1', '0', '12'], a['did'])
            status, _, data = post(s, 'decide', {'id': queue[3], 'action': 'relabel', 'text': 'xyzzy9'})
            why = json.loads(data)['error']['text']
            require(status == 422 and 'xyzzy9' in why, 'the encoder does not say why:', why)
            require(s.get(f'encode?id={queue[3]}&text=xyzzy9') == {'refused': why})
            require(s.get(f'encode?id={queue[3]}&text=hao4')['cells'] == ['125', '235', '23'])
            require(s.get(f'encode?id={queue[3]}&dots=125%20235%2023')['text'] == 'hao4')
            s.decide(queue[3], 'recrop', rect=[3, 4, 60, 50])
            a = s.decide(queue[4], 'note', note='look again')
            require(a['item']['id'] == queue[4] and a['item']['note'] == 'look again' and a['item']['outcome'] == 'undecided', 'after a note')
            s.decide(queue[4], 'reject')
            state = s.get(f'item?id={queue[1]}')['item']
            require(state['outcome'] == 'kept' and state['new_label']['text'] == 'ni3' and state['note'] == 'smudged', state)
            require(s.get(f'item?id={queue[3]}')['item']['new_rect'] == [3, 4, 60, 50])
            # undo: the newest first, then any by its number
            u = s.undo()
            require(u['did']['undone'] == 'reject' and u['item']['id'] == queue[4] and u['item']['outcome'] == 'undecided', u['did'])
            u = s.undo(n=2)
            require(u['item']['id'] == queue[1] and u['item']['outcome'] == 'undecided' and 'new_label' not in u['item'], u['did'])
            for n in (2, 99, 0, -1, 7):  # undone already, unknown, an undo
                require(post(s, 'undo', {'n': n})[0] == 422, n)
            lines = jsonl(tmp / 'set/review.jsonl')
            require([x['n'] for x in lines] == list(range(1, len(lines) + 1)))
            require([x['action'] for x in lines] == ['accept', 'relabel', 'relabel', 'recrop', 'note', 'reject', 'undo', 'undo'])
            require(lines[1]['text'] == 'ni3' and lines[1]['cells'] == ['1345', '24', '3'] and lines[1]['note'] == 'smudged')
            require(lines[3]['rect'] == [3, 4, 60, 50] and lines[6]['undoes'] == 6 and lines[7]['undoes'] == 2)
            for x in lines:
                require(x['reviewer'] == '安娜', x)
                require(abs(time.time() - time.mktime(time.strptime(x['time'], '%Y-%m-%dT%H:%M:%SZ')) + time.timezone) < 120, x['time'])
            done = json.loads(post(s, 'end', {})[2])
            require(done['kept'] == 3 and done['rejected'] == 0 and done['relabelled'] == 1 and done['recropped'] == 1, done)
            require(s.process.wait(10) == 0)
            require(json.loads(s.process.stdout.read()) == done, 'the summary on standard output')
        require(run('review', '--summary', '--json', tmp / 'set').json == done)


def words():
    """What a person who does not see the picture is told rests on the server's measures."""
    with folder() as tmp:
        records = make_set(tmp / 'set')
        with Server(tmp / 'set') as s:
            for r in records:
                kind = reviewed.fault_of(r)
                if kind is None:
                    continue
                it = s.get(f'item?id={r["id"]}')['item']
                require(it['text'] == r['text'] and it['cells'] == r['cells'] and it['width'] == r['width'], it)
                raised = sum(len(c) for c in r['cells'])
                bad = [d for d in it['dots'] if d['kind'] != 'agrees']
                if kind == 'missing':  # the last dot of the last cell
                    want = {'kind': 'missing', 'cell': len(r['cells']) - 1, 'dot': int(r['cells'][-1][-1])}
                    require(bad == [want], bad, want)
                    require(it['n_dots'] == {'agrees': raised - 1, 'missing': 1, 'extra': 0}, it['n_dots'])
                    require(it['seen']['cells'] == r['cells'][:-1] + [r['cells'][-1][:-1] or '0'], it['seen'])
                elif kind == 'extra':  # dot 2 of a cell behind the label
                    require([(d['kind'], d['cell'], d['dot'], d['edge']) for d in bad] == [('extra', len(r['cells']), 2, 'right')], bad)
                    require(it['seen']['cells'] == r['cells'] + ['2'], it['seen'])
                    x, y, w, h = it['suggestion']
                    right = sets.MARGIN + sets.CELL * (len(r['cells']) - 1) + sets.PITCH
                    require(x >= 0 and y >= 0 and right < x + w < right + sets.CELL - sets.PITCH, it['suggestion'])
                elif kind == 'stray':  # between the places
                    require([(d['kind'], d['dot']) for d in bad] == [('extra', 0)] and 'edge' not in bad[0], bad)
                elif kind == 'odd':  # what clean wrote does not fit the label: no grid, but no lie either
                    require('seen' not in it and 'suggestion' not in it and all(d['dot'] == 0 for d in it['dots']), it)


def kill():
    """A kill -9 right after an answer loses nothing; a torn line is cut off; undo goes on after a restart."""
    with folder() as tmp:
        make_set(tmp / 'set')
        decided = []
        for _ in range(4):
            with Server(tmp / 'set') as s:
                here = s.get('item?at=open')
                require(here['total'] == here['open'] and here['item']['id'] not in decided, 'decided ones come again')
                decided.append(here['item']['id'])
                s.decide(decided[-1], 'reject')
                s.process.send_signal(signal.SIGKILL)
                s.process.wait()
            require([x['id'] for x in jsonl(tmp / 'set/review.jsonl')] == decided)
        with open(tmp / 'set/review.jsonl', 'a') as f:
            f.write('{"n": 5, "id": "n00')
        require(run('review', '--summary', '--json', tmp / 'set').json['rejected'] == 4)
        with Server(tmp / 'set') as s:
            total = s.get('item?at=open')['total']
            for k, i in enumerate(reversed(decided)):
                u = s.undo(at=1)
                require(u['item']['id'] == i and u['item']['outcome'] == 'undecided' and u['total'] == total + k + 1, u['did'])
                require(s.get(f'item?at={u["at"]}')['item']['id'] == i)
            require(post(s, 'undo', {})[0] == 422, 'more undone than was done')
            # one at a time
            run('review', tmp / 'set', code=66, says='another process')
        require([x['n'] for x in jsonl(tmp / 'set/review.jsonl')] == list(range(1, 9)))
        with Server(tmp / 'set', '--again', '--verdict', 'over,unsure') as s:
            clean = jsonl(tmp / 'set/clean.jsonl')
            require(s.get('item?at=0')['total'] == sum(x['verdict'] in ('over', 'unsure') for x in clean))
            s.process.send_signal(signal.SIGTERM)
            require(s.process.wait(10) == 130)
        with Server(tmp / 'set', '--all') as s:
            require(s.get('item?at=0')['total'] == len(clean))
            s.process.send_signal(signal.SIGINT)
            require(s.process.wait(10) == 130)


def crowd():
    """Many requests at once: each decision once, in one order; the port says when it is taken."""
    with folder() as tmp:
        make_set(tmp / 'set')
        with Server(tmp / 'set', '--all') as s:
            ids = [s.get(f'item?at={k}')['item']['id'] for k in range(s.get('item?at=0')['total'])]

            def one(k):
                i = ids[k % len(ids)]
                require(s.get(f'item?id={i}')['item']['id'] == i)
                require(s.ask(f'picture?id={i}')[2] == (tmp / f'set/images/{i}.png').read_bytes())
                return s.decide(i, 'note', note=f'{k}')['did']['n']

            with concurrent.futures.ThreadPoolExecutor(12) as pool:
                numbers = list(pool.map(one, range(120)))
            require(sorted(numbers) == list(range(1, 121)))
            lines = jsonl(tmp / 'set/review.jsonl')
            require([x['n'] for x in lines] == list(range(1, 121)) and {x['note'] for x in lines} == {str(k) for k in range(120)})
            require(all(lines[n - 1]['note'] == str(k) for k, n in enumerate(numbers)), 'an answer names another line than its own')
            make_set(tmp / 'other')
            run('review', '--port', s.port, tmp / 'other', code=69, says='--port')


def full():
    """A disk that is full: the answer says so, nothing counts as decided, and later it goes on."""
    with folder() as tmp:
        make_set(tmp / 'set')
        limit = 400  # bytes that any file of the process may have
        with Server(tmp / 'set', limit=limit) as s:
            queue = [s.get(f'item?at={k}')['item']['id'] for k in range(s.get('item?at=0')['total'])]
            done, failed = [], []
            for i in queue:
                status, _, data = post(s, 'decide', {'id': i, 'action': 'accept', 'note': 'x' * 60})
                (done if status == 200 else failed).append(i)
                require(status == 200 or (status == 500 and b'review.jsonl' in data), status, data)
            require(done and failed, 'the limit was not met', done, failed)
            for i in queue:
                require(s.get(f'item?id={i}')['item']['outcome'] == ('kept' if i in done else 'undecided'), i)
        require([x['id'] for x in jsonl(tmp / 'set/review.jsonl')] == done)
        with Server(tmp / 'set') as s:
            require(s.get('item?at=open')['item']['id'] == failed[0])
            s.decide(failed[0], 'accept')
        lines = jsonl(tmp / 'set/review.jsonl')
        require([x['n'] for x in lines] == list(range(1, len(done) + 2)), lines)


def apply():
    """The set that results: linked, relabelled, recropped, left out with the reason; the same after an interruption."""
    with folder() as tmp:
        records = {r['id']: r for r in make_set(tmp / 'set')}
        verdicts = {x['id']: x['verdict'] for x in jsonl(tmp / 'set/clean.jsonl')}
        unsure = [i for i, v in verdicts.items() if v == 'unsure']
        over = [i for i, v in verdicts.items() if v == 'over']
        with Server(tmp / 'set', '--verdict', 'unsure,over', '--reviewer', 'anna') as s:
            s.decide(unsure[0], 'accept')
            s.decide(unsure[1], 'relabel', text='1234')
            s.decide(unsure[2], 'recrop', rect=[5, 7, 50, 40])
            s.decide(unsure[3], 'reject', note='torn')
            s.decide(over[0], 'relabel', dots='125 235 23')
            s.decide(over[0], 'recrop', rect=[1, 2, 40, 30])
            s.decide(over[1], 'accept')
            s.undo()
        before = files(tmp / 'set')
        got = run('review', '--apply', '-o', tmp / 'out', '--json', tmp / 'set').json
        require(files(tmp / 'set') == before, 'the set itself was changed')
        clean = [i for i, v in verdicts.items() if v == 'clean']
        out = {r['id']: r for r in jsonl(tmp / 'out/manifest.jsonl')}
        require(list(out) == [i for i in records if i in clean or i in (*unsure[:3], over[0])], list(out))
        require(got['images'] == len(records) and got['kept'] == len(out) and got['relabelled'] == 2 and got['recropped'] == 2, got)
        for i in (*clean, unsure[0]):
            require((tmp / 'out' / out[i]['image']).read_bytes() == (tmp / 'set' / records[i]['image']).read_bytes(), i)
            require({k: out[i][k] for k in ('text', 'cells', 'boxes', 'sha256')} == {k: records[i][k] for k in ('text', 'cells', 'boxes', 'sha256')}, i)
        new = out[unsure[1]]
        require(new['text'] == '1234' and new['cells'] == ['3456', '1', '12', '14', '145'], new)
        require((new['boxes'] is None) == (len(records[unsure[1]]['cells']) != 5), 'boxes of other cells:', new)
        for i, (x, y, w, h) in ((unsure[2], (5, 7, 50, 40)), (over[0], (1, 2, 40, 30))):
            rows, channels = sets.unpng((tmp / 'out' / out[i]['image']).read_bytes())
            whole, whole_channels = sets.unpng((tmp / 'set' / records[i]['image']).read_bytes())
            require(channels == whole_channels == 1 and [bytes(r) for r in rows] == [bytes(r[x:x + w]) for r in whole[y:y + h]], i, 'is another part')
            require((out[i]['width'], out[i]['height']) == (w, h) and out[i]['sha256'] == sets.checksums(tmp / 'out')[out[i]['image']])
            if len(out[i]['cells']) == len(records[i]['cells']):
                require(out[i]['boxes'] == [[b[0] - x, b[1] - y, b[2], b[3]] for b in records[i]['boxes']], out[i]['boxes'])
        require(out[over[0]]['text'] == 'hao4' and out[over[0]]['cells'] == ['125', '235', '23'])
        skipped = {x['id']: x for x in jsonl(tmp / 'out/skipped.jsonl')}
        require(set(skipped) == set(records) - set(out))
        require(skipped[unsure[3]]['why'] == 'rejected by anna' and skipped[unsure[3]]['note'] == 'torn')
        require('nobody' in skipped[unsure[4]]['why'] and 'fault' in skipped[over[1]]['why'] and skipped[over[1]]['verdict'] == 'over')
        require(str(len(out)) in (tmp / 'out/card.md').read_text())

        run('review', '--apply', '-o', tmp / 'out', tmp / 'set', code=73, says='--force')
        run('review', '--apply', '-o', tmp / 'set', '--force', tmp / 'set', code=64, says='itself')
        first = files(tmp / 'out')
        run('review', '--apply', '-o', tmp / 'out', '--force', tmp / 'set')
        require(files(tmp / 'out') == first, 'a second run is another')

        # interrupted: a file limit stops it at the manifest, the same command ends it
        shutil.copytree(tmp / 'out', tmp / 'part')
        lines = [{'command': 'review --apply'}]
        (tmp / 'part/manifest.jsonl').unlink()
        write_jsonl(tmp / 'part/.partial.jsonl', lines)
        run('review', '--apply', '-o', tmp / 'part', tmp / 'set', code=73, says='other options')
        shutil.rmtree(tmp / 'part')
        p = Server.start_apply(tmp / 'set', tmp / 'part')
        while p.poll() is None and not (tmp / 'part/images').exists():
            time.sleep(0.0005)
        p.send_signal(signal.SIGKILL)
        p.wait()
        run('review', '--apply', '-o', tmp / 'part', *(['--force'] if (tmp / 'part/manifest.jsonl').exists() else []), tmp / 'set')
        require(files(tmp / 'part') == first, 'after a kill the result is another')

        # a picture that is gone is a line, not the end
        (tmp / 'set' / records[clean[0]]['image']).unlink()
        (tmp / 'set' / records[unsure[2]]['image']).write_bytes(b'no picture')
        r = run('review', '--apply', '-o', tmp / 'holes', '--json', tmp / 'set')
        require(r.json['broken'] == 2 and r.json['kept'] == len(out) - 2 and records[clean[0]]['image'] in r.error, r.json, r.error)
        skipped = {x['id']: x['why'] for x in jsonl(tmp / 'holes/skipped.jsonl')}
        require('images/' in skipped[clean[0]] and 'images/' in skipped[unsure[2]], skipped)


def turned():
    """A picture that lies upside down: its label is the upright one's, its cells are what is seen."""
    with folder() as tmp:
        records = make_set(tmp / 'set')
        i = next(x['id'] for x in jsonl(tmp / 'set/clean.jsonl') if x['verdict'] == 'unsure')
        for r in records:
            if r['id'] == i:
                r.update(text='hao4', cells=['45', '245', '256'], reads='', augment='turn-180', boxes=None)
        sets.write(tmp / 'set', records)
        with Server(tmp / 'set') as s:
            require(s.get(f'item?id={i}')['item']['reads'] == '')
            a = s.decide(i, 'relabel', text='24')  # 3456 12 145
            require(a['did']['cells'] == ['236', '56', '1234'], a['did'])
            a = s.decide(i, 'relabel', dots='45 245 256')
            require(a['did']['text'] == 'hao4', a['did'])
        run('review', '--apply', '-o', tmp / 'out', tmp / 'set')
        new = next(r for r in jsonl(tmp / 'out/manifest.jsonl') if r['id'] == i)
        require(new['text'] == 'hao4' and new['cells'] == ['45', '245', '256'] and new['reads'] is not None, new)


def other():
    """Decisions on a picture do not count for another picture of the same name."""
    with folder() as tmp:
        records = make_set(tmp / 'set')
        with Server(tmp / 'set') as s:
            i, k = (s.get(f'item?at={n}')['item']['id'] for n in (0, 1))
            s.decide(i, 'accept')
            s.decide(k, 'reject')
        for r in records:
            if r['id'] == i:
                r['sha256'] = 'f' * 64
        sets.write(tmp / 'set', [r for r in records if r['id'] != k])
        got = run('review', '--summary', '--json', tmp / 'set').json
        require(got['kept'] == got['rejected'] == 0 and got['for_another_picture'] == 1 and got['for_no_picture'] == 1, got)
        with Server(tmp / 'set') as s:
            it = s.get('item?at=open')['item']
            require(it['id'] == i and it['outcome'] == 'undecided' and it['history'][0]['undone'], it)
            require(s.decide(i, 'reject')['did']['n'] == 3, 'numbers go on')


def hostile():
    """A clean.jsonl, a manifest and pictures from who knows where: told as far as they make sense, never more."""
    with folder() as tmp:
        records = make_set(tmp / 'set')
        lines = jsonl(tmp / 'set/clean.jsonl')
        strange = [None, True, 'x' * 5000, -1, 1e308, 2 ** 62, [], {}, [[]], [None], [1e308, -1e308, 'a', {}], {'a': [1]}, '<script>alert(1)</script>',
                   [{'at': [1e308, 1e308], 'wanted': [1, 2]}] * 50, [{'at': 'x', 'wanted': [1]}, {'at': [1, 2, 3]}, 5, {}], '\u202e\u0000']
        ids = [x['id'] for x in lines if x['verdict'] == 'unsure']
        ways = [(key, value) for key in ('side', 'rule', 'doubt', 'pitch', 'cell', 'skew', 'expected', 'measured', 'dots', 'picture') for value in strange]
        for n in range(0, len(ways), len(ids)):
            now = dict(zip(ids, ways[n:]))
            write_jsonl(tmp / 'set/clean.jsonl', [{**x, now[x['id']][0]: now[x['id']][1]} if x['id'] in now and '\0' not in str(now[x['id']][1]) else x
                                                  for x in lines])
            with Server(tmp / 'set') as s:
                for i in ids:
                    it = s.get(f'item?id={i}')['item']
                    require(it['id'] == i and all(isinstance(v, (int, float)) for v in it['expected'] + it['measured']), it)
                    require(it['edge'] is None or isinstance(it['edge'], str), it)
                require(post(s, 'end', {})[0] == 200 and s.process.wait(10) == 0)
        # pictures: another format is shown as PNG, a broken one is told, a link out of the set's drawings is none of ours
        lines[0]['picture'] = '../../secret.png'
        write_jsonl(tmp / 'set/clean.jsonl', lines)
        (tmp / 'secret.png').write_bytes(b'secret')
        by = {r['id']: r for r in records}
        rows, _ = sets.unpng((tmp / 'set' / by[ids[1]]['image']).read_bytes())
        (tmp / 'set' / by[ids[1]]['image']).write_bytes(b'P5 %d %d 255\n' % (len(rows[0]), len(rows)) + b''.join(bytes(r) for r in rows))
        (tmp / 'set' / by[ids[2]]['image']).write_bytes(b'<html>')
        (tmp / 'set' / by[ids[3]]['image']).unlink()
        with Server(tmp / 'set') as s:
            status, headers, data = s.ask(f'picture?id={ids[1]}')
            require(status == 200 and headers['Content-Type'] == 'image/png' and [bytes(r) for r in sets.unpng(data)[0]] == [bytes(r) for r in rows])
            for i, status in ((ids[2], 422), (ids[3], 404)):
                require(s.ask(f'picture?id={i}')[0] == status and s.get(f'item?id={i}')['item']['broken'], i)
                require(post(s, 'decide', {'id': i, 'action': 'recrop', 'rect': [0, 0, 5, 5]})[0] in (404, 422))
                s.decide(i, 'reject')
            status, _, data = s.ask(f'drawing?id={lines[0]["id"]}')
            require(status == 404 and b'secret' not in data, status)


if __name__ == '__main__':
    main({'options': options, 'doors': doors, 'bodies': bodies, 'decisions': decisions, 'words': words, 'kill': kill, 'crowd': crowd, 'full': full,
          'apply': apply, 'turned': turned, 'other': other, 'hostile': hostile})
