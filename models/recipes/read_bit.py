#!/usr/bin/env python3
"""read_bit.py BRAILLECTL BIT-DIR: how many test pictures of a set the product reads right, cell by cell, as JSON.

The yardstick of the experiment: `braillectl read --crop` on the same pictures, right where what it says is the label.
"""
import json
import os
import subprocess
import sys

from bit import records


def main():
    program, folder = sys.argv[1:]
    rows, right, of = records(folder, "test"), {}, {}
    for i in range(0, len(rows), 100):
        part = rows[i:i + 100]
        done = subprocess.run([program, "read", "--local", "--quiet", "--crop", "--format", "json", *(os.path.join(folder, r["image"]) for r in part)],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)  # a picture in which no braille is seen is skipped, with exit code 66 in the end
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        if len(answers) != len(part):  # which one is missing is not said: one by one
            answers = [one(program, os.path.join(folder, r["image"])) for r in part]
        for r, a in zip(part, answers):
            said = "".join(line["pinyin"] for line in a["lines"]) if a else None
            for group in ("all", r["type"], "turned" if r.get("augment") == "turn-180" else "upright"):
                of[group] = of.get(group, 0) + 1
                right[group] = right.get(group, 0) + (said == r["text"])
    print(json.dumps(dict(pictures=len(rows), acc=right["all"] / of["all"], types={g: right[g] / of[g] for g in of if g != "all"})))


def one(program, path):
    done = subprocess.run([program, "read", "--local", "--quiet", "--crop", "--format", "json", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else None


if __name__ == "__main__":
    main()
