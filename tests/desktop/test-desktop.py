#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a desktop has of brailled: keys, notifications, completion in three shells, the Open With entry."""
import os
import pathlib
import shlex
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / 'cli'))
from harness import CTL, folder, need_page, no_bus, require, run, skip  # noqa: E402

SOURCE = pathlib.Path(__file__).parents[2]
TOOLS = SOURCE / 'tools'
DATASET = os.environ['BRAILLE_DATASET']
SCHEMA = '''<schemalist>
<schema id="org.gnome.settings-daemon.plugins.media-keys" path="/org/gnome/settings-daemon/plugins/media-keys/">
<key name="custom-keybindings" type="as"><default>[]</default></key></schema>
<schema id="org.gnome.settings-daemon.plugins.media-keys.custom-keybinding"><key name="name" type="s"><default>''</default></key>
<key name="command" type="s"><default>''</default></key><key name="binding" type="s"><default>''</default></key></schema>
</schemalist>'''
KEYS = 'org.gnome.settings-daemon.plugins.media-keys'
OURS = '/org/gnome/settings-daemon/plugins/media-keys/custom-keybindings/brailled/'


def need(*programs):
    for p in programs:
        if not shutil.which(p):
            skip(f'{p} is missing')


def case_gnome():
    """Our key joins those that are there, is changed and leaves; the others stay."""
    need('gsettings', 'glib-compile-schemas')
    with folder() as d:
        d = pathlib.Path(d)
        (d / 'keys.gschema.xml').write_text(SCHEMA)
        subprocess.run(['glib-compile-schemas', '--strict', d], check=True)
        env = dict(no_bus(), GSETTINGS_SCHEMA_DIR=str(d), GSETTINGS_BACKEND='keyfile', XDG_CONFIG_HOME=str(d / 'config'),
                   XDG_CURRENT_DESKTOP='ubuntu:GNOME')

        def get(key, schema=KEYS):
            return subprocess.run(['gsettings', 'get', schema, key], env=env, check=True, capture_output=True, text=True).stdout.strip()

        for others in ('@as []', "['/custom0/']", "['/custom0/', '/it s/custom1/']"):
            subprocess.run(['gsettings', 'set', KEYS, 'custom-keybindings', others], env=env, check=True)
            run('keys', 'install', env=env)
            require(run('keys', 'show', env=env).text == "GNOME: '<Super>F9'\n")
            run('keys', 'install', '--key', '<Ctrl><Alt>b', env=env)
            want = (others[:-1] + ', ' if 'custom' in others else '[') + f"'{OURS}']"
            require(get('custom-keybindings') == want, get('custom-keybindings'))
            own = f'{KEYS}.custom-keybinding:{OURS}'
            require(get('binding', own) == "'<Ctrl><Alt>b'" and get('command', own) == f"'{CTL} scan --speak --notify'", get('command', own))
            run('keys', 'remove', env=env)
            require(get('custom-keybindings') == others and get('command', own) == "''", get('custom-keybindings'))
            run('keys', 'remove', env=env)
            require(run('keys', 'show', env=env).text == 'GNOME: no key\n')
        (d / 'gschemas.compiled').unlink()
        env['XDG_DATA_DIRS'] = str(d)
        run('keys', 'install', env=env, code=69, says="is gnome-settings-daemon installed?")
        run('keys', 'install', env=dict(env, PATH='/nonexistent'), code=69, says='gsettings is not installed')


def case_kde():
    with folder() as d:
        env = dict(no_bus(), XDG_DATA_HOME=d + '/data', XDG_CURRENT_DESKTOP='KDE')
        file = pathlib.Path(d, 'data/kglobalaccel/org.brailled.Scan.desktop')
        require(run('keys', 'show', env=env).text == 'KDE: no key\n')
        run('keys', 'install', '--key', '<Super><Shift>F9', env=env, says='next login')
        require('X-KDE-Shortcuts=Meta+Shift+F9\n' in file.read_text() and f'Exec={CTL} scan --speak --notify\n' in file.read_text())
        if shutil.which('desktop-file-validate'):
            subprocess.run(['desktop-file-validate', file], check=True)
        require(run('keys', 'show', env=env).text == 'KDE: Meta+Shift+F9\n')
        run('keys', 'remove', env=env)
        run('keys', 'remove', env=env)
        require(not file.exists())
        for key in ("F9'", '<Hyper>F9', '<Super>', '', '<Super', 'F9\nExec=x'):
            run('keys', 'install', '--key', key, env=env, code=64, says='is no key')
        run('keys', 'install', env=dict(env, XDG_CURRENT_DESKTOP='sway'), code=64, says='--gnome or --kde')
        run('keys', 'instal', env=env, code=64, says='keys install')
        require(not file.exists())


def notified(*args, code=0, **more):
    """What a server of notifications is told by braillectl."""
    env = dict(no_bus(), TERM='dumb', **more)
    conf = str(SOURCE / 'tests/desktop/bus.conf')
    p = subprocess.run(['dbus-run-session', '--config-file', conf, '--', os.environ['FAKE_NOTIFY'], CTL, *map(str, args), '--notify', '--local'],
                       env=env, capture_output=True, text=True, timeout=280)
    require(p.returncode == code, p.returncode, p.stderr)
    return [line.split('\t') for line in p.stdout.splitlines()], p.stderr


def case_notify():
    need('dbus-run-session')
    with folder() as d:
        told, _ = notified('convert', need_page(), '-o', d + '/a.wav', '--text', d + '/a.txt')
        spoken = pathlib.Path(d, 'a.txt').read_text().strip()
        require(len(told) == 1 and told[0][:4] == ['1', '1', 'org.brailled.ReadAloud', 'braillectl convert: done'], told)
        body = told[0][4].rstrip('…')
        require(len(body) > 100 and spoken.startswith(body) and len(told[0][4].encode()) < 240, told, spoken)
        told, said = notified('convert', d + '/a<b>&c.png', '-o', d + '/b.wav', code=66)
        require(told[0][:2] == ['2', '0'] and told[0][3] == 'braillectl convert: failed', told)
        require(told[0][4] == f"cannot open '{d}/a&lt;b&gt;&amp;c.png': No such file or directory", told)
        require(f"cannot open '{d}/a<b>&c.png'" in said, said)
        told, _ = notified('convert', d + '/x.png', '-o', d + '/b.wav', code=66, LC_ALL='zh_CN.UTF-8')
        require(told[0][3:] == ['braillectl convert：失败', f'无法打开“{d}/x.png”：没有那个文件或目录'], told)
        run('devices', '--notify', says='no notification could be shown')  # and that is no failure


def candidates(shell, line):
    """What a shell offers behind `line`, its own completion at work."""
    bin_dir = f'{CTL.parent}:{os.environ["PATH"]}'
    words = shlex.split(line) + ([''] if line.endswith(' ') else [])
    if shell == 'bash':
        script = f'''source {TOOLS}/completion/braillectl.bash
COMP_WORDS=({' '.join(shlex.quote(w) for w in words)}); COMP_CWORD={len(words) - 1}
_braillectl {words[0]} "${{COMP_WORDS[COMP_CWORD]}}"; printf '%s\\n' "${{COMPREPLY[@]}}"'''
        command = ['bash', '--norc', '-c', script]
    elif shell == 'fish':
        command = ['fish', '--no-config', '-c', f'source {TOOLS}/completion/braillectl.fish; complete -C {shlex.quote(line)}']
    else:  # the completion system wants a line editor: its two functions print instead
        script = f'''_describe() {{ local a=$4; print -l -- "${{(@P)a}}" }}; _files() {{ print -l -- *(N) }}
words=({' '.join(shlex.quote(w) for w in words)}); CURRENT={len(words)}; comp() {{ source {TOOLS}/completion/_braillectl }}; comp'''
        command = ['zsh', '-f', '-c', script]
    p = subprocess.run(command, env=dict(no_bus(), PATH=bin_dir, HOME='/dev/null', XDG_CONFIG_HOME='/dev/null', LC_ALL='C.UTF-8'),
                       capture_output=True, text=True, timeout=100, cwd=TOOLS / 'completion')
    require(p.returncode == 0, p.stderr)
    lines = [w.split('\t')[0] for w in p.stdout.splitlines()]
    return [w.split(':')[0] for w in lines] if shell == 'zsh' else lines


def case_shell(shell):
    need(shell)
    voices = [v['name'] for v in run('voices', '--json', '--local').json['voices']]
    for line, want, never in (('braillectl co', ['convert'], ['--code']), ('braillectl convert --ch', ['--chapters'], ['--ssml']),
                              ('braillectl convert --chapters ', ['auto', 'pages', 'headings', 'none'], ['convert']),
                              ('braillectl say --voice ', voices, ['auto']), ('braillectl read --device ', ['0'], ['auto']),
                              ('braillectl read ', ['braillectl.bash'], ['read']), ('braillectl keys ', ['install', 'remove', 'show'], ['braillectl.bash']),
                              ('braille-dataset sp', ['split'], []), ('braille-dataset split --te', ['--test'], []),
                              ('braille-eval speech --reco', ['--recogniser', '--recogniser-batch'], [])):
        got = candidates(shell, line)
        require(all(w in got for w in want) and not any(w in got for w in never), line, got)


def case_files():
    """The Open With entry and the rest are what they should be, by their own checkers."""
    need('desktop-file-validate', 'appstreamcli')
    entry = TOOLS / 'desktop/org.brailled.ReadAloud.desktop'
    subprocess.run(['desktop-file-validate', '--no-hints', entry], check=True)
    subprocess.run(['appstreamcli', 'validate', '--no-net', TOOLS / 'desktop/org.brailled.ReadAloud.metainfo.xml'], check=True)
    execs = [line[5:] for line in entry.read_text().splitlines() if line.startswith('Exec=')]
    require(len(execs) == 2, execs)
    for line in execs:  # each is a command that there is, with options that there are
        words = line.split()
        require(words[0] == 'braillectl')
        options = run(words[1], '--help').text
        require(all(w + ' ' in options for w in words[2:] if w.startswith('--') and w != '--'), line)


if __name__ == '__main__':
    name = sys.argv[1]
    if name in ('bash', 'zsh', 'fish'):
        case_shell(name)
    else:
        globals()['case_' + name]()
