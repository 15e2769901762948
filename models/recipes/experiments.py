#!/usr/bin/env python3
"""The experiment of arXiv 2407.14212 run again on our BIT family: docs/experiments.md, from nothing.

  experiments.py WORK --build BUILD --corpus CORPUS --spoken DIR --teacher TEACHER.tsv --list HELDOUT.tsv [--recogniser 'PY whisper_command.py']
                 [--jobs 2] [--seeds 3] [--only PATTERN] [--report docs/experiments.md]

WORK keeps everything: data, checkpoints, and a result a job (WORK/results/NAME.json); the same command goes on where it stopped, and whatever has its
result is not run again. --build: folder of the built programs, which draw the data and judge all models through the shaders. CORPUS and TEACHER as
fastspeech2.py has them, --spoken another such corpus in which single syllables are said, --list sentences that nothing was trained on.
--only 'retrieval-*' runs these jobs and what they need; --report alone (with --only none) writes the page from what is there.
"""
import argparse
import concurrent.futures
import fnmatch
import json
import os
import shlex
import shutil
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SETS = ("BIT", "BIT-DC", "BIT-DA", "BIT-DP")
PARTS = ("BIT-N", "BIT-S", "BIT-P")
SIZES = ("small", "mini", "base")  # of the image tower, in the order of their jobs; all tables but that of the sizes are of the first
LAMBDAS = tuple(f"{i / 10:.1f}" for i in range(1, 10))
HEARD = ("0.1", "0.5", "0.9")  # whose speech the recogniser hears; that of the others is only measured
# steps at --effort 1: what two cores do in an afternoon. Those of the vocoders take the same time on one core (0.87, 0.16 and 0.14 s each when nothing else runs)
VOCODERS = {"V1": 170, "V2": 925, "V3": 1057}
PRE_STEPS, FINE_STEPS, JOINT_STEPS, BATCH = 1200, 600, 200, 64


class Job:
    """Commands, one after the other; the JSON on the standard output of those that have a key is kept under it."""

    def __init__(self, name, needs, commands):
        self.name, self.needs, self.commands = name, needs, commands


class Plan:
    def __init__(self, o):
        self.o, self.jobs = o, {}
        for size in SIZES:
            for seed in range(o.seeds):
                self.pretrain(size, seed)
                for folder in SETS if size == "small" else ("BIT-DP",):
                    self.fine_tune(folder, size, seed)
        for seed in range(o.seeds):
            clip = self.at(f"retrieval-BIT-DP-small-{seed}.safetensors")
            self.add(f"batch-{seed}", [f"retrieval-BIT-DP-small-{seed}"], [
                ("BIT-DP", self.tool("braille-eval", "retrieval", self.at("bit/BIT-DP"), "--clip", clip, "--split", "test", "--batch", BATCH, "--json"))])
            for weight in LAMBDAS:
                self.joint(f"joint-{weight}-{seed}", seed, ["--lambda", weight], weight in HEARD)
            self.joint(f"two-stage-{seed}", seed, ["--stages", "two"], True)
            for kind, steps in VOCODERS.items():
                self.vocoder(kind, steps, seed)
            self.griffin_lim(seed)
        self.add("shipped-reader", ["data"], [(f, self.recipe("read_bit.py", self.tool("braillectl")[0], self.at("bit", f))) for f in ("BIT-DC", "BIT-DP")])
        self.add("shipped-voice", ["data"], [("speech", self.speech(os.path.join(HERE, "../weights"), self.o.sentences))])

    def at(self, *parts):
        return os.path.join(self.o.work, *parts)

    def steps(self, n):
        return round(n * self.o.effort)

    def recipe(self, script, *words):
        return [sys.executable, os.path.join(HERE, script), *map(str, words)]

    def tool(self, name, *words):
        return [os.path.join(self.o.build, "tools", name), *map(str, words)]

    def add(self, name, needs, commands):
        self.jobs[name] = Job(name, needs, commands)

    def data(self):
        """The family, and what pre-training sees instead of MUGE: the same kinds of label, drawn clean and on one side, another seed."""
        self.add("data", [], [(None, self.tool("braille-dataset", "build", self.at("bit"), "--seed", 1, "--force")),
                              (None, self.tool("braille-dataset", "generate", self.at("pre"), "--look", "clean", "--single-sided", "--faults", 0, "--seed", 101, "--force"))])

    def pretrain(self, size, seed):
        if "data" not in self.jobs:
            self.data()
        self.add(f"pre-{size}-{seed}", ["data"], [
            (None, self.recipe("contrastive.py", "train", self.at(f"pre-{size}-{seed}.pt"), self.at("pre"), "--without", self.at("bit/BIT"), "--size", size, "--seed", seed,
                               "--steps", self.steps(PRE_STEPS), "--batch", BATCH, "--rate", 1e-3, "--cache", self.at("cache")))])

    def retrieval(self, clip, folders, voted=None):
        """`voted`: the set for which training pictures are embedded too, so that k of them can elect a text."""
        return [(f, self.tool("braille-eval", "retrieval", self.at("bit", f), "--clip", clip, "--split", "test", "--json", *(["--k", "1,3,5,9,15"] if f == voted else []))) for f in folders]

    def fine_tune(self, folder, size, seed):
        name = f"retrieval-{folder}-{size}-{seed}"
        pt, out = self.at(name + ".pt"), self.at(name + ".safetensors")
        judged = [folder, *(f for f in ("BIT-DC", "BIT-DP") if f != folder), *(PARTS if folder == "BIT-DP" else ())]
        self.add(name, [f"pre-{size}-{seed}"], [
            (None, self.recipe("contrastive.py", "train", pt, self.at("bit", folder), "--start", self.at(f"pre-{size}-{seed}.pt"), "--size", size, "--seed", seed,
                               "--steps", self.steps(FINE_STEPS), "--batch", BATCH, "--rate", 1e-3, "--cache", self.at("cache"))),
            (None, self.recipe("contrastive.py", "export", pt, out)), *self.retrieval(out, judged, "BIT-DP" if folder == "BIT-DP" and size == SIZES[0] else None)])

    def speech(self, models, n, heard=True):
        words = [self.o.list, "--models", models, "--reference", os.path.join(self.o.corpus, "audio"), "-n", n, "--json"]
        if self.o.recogniser and heard:
            words += ["--recogniser-batch", self.o.recogniser]
        return self.tool("braille-eval", "speech", *words)

    def joint(self, name, seed, options, heard):
        pt, folder = self.at(name + ".pt"), self.at(name)
        self.add(name, [f"pre-small-{seed}"], [
            (None, self.recipe("joint.py", "train", pt, self.at(f"pre-small-{seed}.pt"), os.path.join(HERE, "../weights/fastspeech2.safetensors"), self.at("bit/BIT-DP"),
                               "--corpus", self.o.spoken, "--teacher", self.o.teacher, "--sentences", 1, "--steps", self.steps(JOINT_STEPS), "--batch", BATCH, "--rate", 1e-3,
                               "--seed", seed, "--cache", self.at("cache"), *options)),
            (None, self.recipe("joint.py", "export", pt, folder)),
            (None, ["cp", os.path.join(HERE, "../weights/hifigan.safetensors"), folder]),
            *self.retrieval(os.path.join(folder, "clip.safetensors"), ["BIT-DP"]), ("speech", self.speech(folder, self.o.sentences, heard))])

    def vocoder(self, kind, steps, seed):
        name = f"vocoder-{kind}-{seed}"
        pt, folder = self.at(name + ".pt"), self.at(name)
        self.add(name, ["data"], [
            (None, self.recipe("hifigan.py", "train", self.o.corpus, pt, "--config", kind, "--steps", self.steps(steps), "--batch", 2, "--segment", 4096, "--seed", seed)),
            (None, ["mkdir", "-p", folder]),
            (None, ["cp", os.path.join(HERE, "../weights/clip.safetensors"), os.path.join(HERE, "../weights/fastspeech2.safetensors"), folder]),
            (None, self.recipe("hifigan.py", "export", pt, os.path.join(folder, "hifigan.safetensors"))),
            ("speech", self.speech(folder, self.o.sentences))])

    def griffin_lim(self, seed):
        folder = self.at(f"griffin-lim-{seed}")
        judge = self.speech(os.path.join(HERE, "../weights"), self.o.sentences)
        self.add(f"griffin-lim-{seed}", ["data"], [
            (None, self.recipe("speak.py", os.path.join(HERE, "../weights/fastspeech2.safetensors"), "griffin-lim", self.o.list, folder, "--seed", seed, "-n", self.o.sentences)),
            ("speech", [*judge, "--speech", folder])])


class Runner:
    """Jobs whose needs are met, a few at a time. A job that fails stops those that need it, and no other."""

    def __init__(self, plan, wanted):
        self.plan, self.results = plan, os.path.join(plan.o.work, "results")
        os.makedirs(self.results, exist_ok=True)
        self.left = {n for n in self.with_needs(wanted) if not os.path.exists(self.path(n))}
        self.failed, self.running, self.wake = [], set(), threading.Condition()

    def path(self, name):
        return os.path.join(self.results, name + ".json")

    def with_needs(self, names):
        out = set()
        stack = list(names)
        while stack:
            n = stack.pop()
            if n not in out:
                out.add(n)
                stack += self.plan.jobs[n].needs
        return out

    def next(self):
        """The first job in the plan's order that can begin; None when nothing is left to begin."""
        with self.wake:
            while True:
                blocked = set(self.failed)
                for name in [n for n in self.plan.jobs if n in self.left]:
                    needs = self.plan.jobs[name].needs
                    if blocked & set(needs):
                        self.left.discard(name)
                        self.failed.append(name)
                        print(f"{name}: not run, it needs {', '.join(blocked & set(needs))}", flush=True)
                        break
                    if not any(n in self.left or n in self.running for n in needs):
                        self.left.discard(name)
                        self.running.add(name)
                        return name
                else:
                    if not self.left:
                        return None
                    self.wake.wait()

    def work(self):
        while name := self.next():
            try:
                self.do(self.plan.jobs[name])
            except subprocess.CalledProcessError as e:
                print(f"{name}: {shlex.join(e.cmd)}: exit code {e.returncode}; {self.log(name)} tells more", file=sys.stderr, flush=True)
                with self.wake:
                    self.failed.append(name)
            finally:
                with self.wake:
                    self.running.discard(name)
                    self.wake.notify_all()

    def log(self, name):
        return os.path.join(self.plan.o.work, name + ".log")

    def do(self, job):
        print(f"{job.name}: begins", flush=True)
        began, kept = time.time(), {}
        env = dict(os.environ, OMP_NUM_THREADS="1")
        with open(self.log(job.name), "a", encoding="utf8") as log:
            for key, command in job.commands:
                done = subprocess.run(["nice", "-n", "19", *command], stdout=subprocess.PIPE if key else log, stderr=log, env=env, check=True)
                if key:
                    kept[key] = json.loads(done.stdout)
        tmp = self.path(job.name) + ".tmp"
        with open(tmp, "w", encoding="utf8") as f:
            json.dump(dict(job=job.name, seconds=round(time.time() - began, 1), **kept), f, ensure_ascii=False, indent=1)
            f.flush()
            os.fsync(f.fileno())
        os.replace(tmp, self.path(job.name))
        print(f"{job.name}: done in {time.time() - began:.0f} s", flush=True)

    def run(self, n):
        with concurrent.futures.ThreadPoolExecutor(n) as pool:
            list(pool.map(lambda _: self.work(), range(n)))


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("work")
    for a in ("build", "corpus", "spoken", "teacher", "list"):
        ap.add_argument("--" + a, required=True, type=os.path.abspath)
    ap.add_argument("--recogniser", help="as braille-eval speech --recogniser-batch has it; without it no syllables are counted")
    ap.add_argument("--jobs", type=int, default=2), ap.add_argument("--seeds", type=int, default=3), ap.add_argument("--sentences", type=int, default=10, help="of the list, for every judgement of speech")
    ap.add_argument("--effort", type=float, default=1, help="times as many steps of training: 10 or more where there is a GPU or a night (another WORK for another effort)")
    ap.add_argument("--only", action="append", metavar="PATTERN"), ap.add_argument("--report", metavar="FILE.md")
    o = ap.parse_args()
    o.work = os.path.abspath(o.work)
    if not shutil.which(os.path.join(o.build, "tools", "braille-eval")):
        ap.error(f"{o.build} has no built braille-eval: build the project first (README)")
    plan = Plan(o)
    wanted = [n for n in plan.jobs if not o.only or any(fnmatch.fnmatch(n, p) for p in o.only)]
    runner = Runner(plan, wanted)
    runner.run(o.jobs)
    if o.report:
        from experiments_report import write_report

        write_report(o.work, o.report, o.seeds, o.effort)
    if runner.failed:
        sys.exit(f"{len(runner.failed)} jobs failed: {', '.join(runner.failed)}")


if __name__ == "__main__":
    main()
