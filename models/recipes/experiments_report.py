"""docs/experiments.md from the results of experiments.py: tables, plots (SVG), and what they say about the paper's claims.

Every figure is the mean over the seeds and, behind ±, the sample's standard deviation. Models of one seed began with the same pre-training, so differences are
taken seed by seed; one is called a difference only where the 95 % interval (Student's t) of its mean excludes zero, otherwise the page says that none was seen.
"""
import json
import math
import os
import statistics

import matplotlib
from scipy.stats import t as student

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402

import contrastive
import hifigan
from clip_model import BrailleCLIP
from experiments import BATCH, FINE_STEPS, HEARD, JOINT_STEPS, LAMBDAS, PARTS, PRE_STEPS, SETS, SIZES, VOCODERS

matplotlib.rcParams.update({"svg.hashsalt": "brailled", "svg.fonttype": "none", "font.size": 10, "axes.spines.top": False, "axes.spines.right": False})


class Results:
    def __init__(self, work, seeds):
        self.seeds, self.by_name = seeds, {}
        for name in os.listdir(os.path.join(work, "results")):
            with open(os.path.join(work, "results", name), encoding="utf8") as f:
                self.by_name[name[:-5]] = json.load(f)

    def values(self, pattern, *path):
        """One number a seed that has it, by seed."""
        out = {}
        for seed in range(self.seeds):
            x = self.by_name.get(pattern.format(seed))
            for key in path:
                x = key(x) if callable(key) and x is not None else x.get(key) if x else None
            if isinstance(x, (int, float)):
                out[seed] = float(x)
        return out

    def seconds(self, pattern):
        return self.values(pattern, "seconds")


def mean(v):
    return statistics.mean(v.values())


def spread(v):
    return statistics.stdev(v.values()) if len(v) > 1 else float("nan")


def shown(v, percent=False, seeds=3):
    if not v:
        return "not run"
    digits, k = (1, 100) if percent else (2, 1)
    sd = f" ± {k * spread(v):.{digits}f}" if len(v) > 1 else ""
    few = "" if len(v) >= seeds else f" ({len(v)} seed{'s' if len(v) > 1 else ''})"
    return f"{k * mean(v):.{digits}f}{sd}{few}"


def heard(v):
    return shown(v, True) if v else "not heard"


def differ(a, b):
    """Mean of a - b over the seeds that both have, and half its 95 % interval; None where fewer than two have both."""
    d = [a[seed] - b[seed] for seed in a if seed in b]
    if len(d) < 2:
        return None
    return statistics.mean(d), student.ppf(0.975, len(d) - 1) * statistics.stdev(d) / math.sqrt(len(d))


def said(what, a, b, better="higher"):
    """A sentence: how shares a compare with shares b."""
    r = differ(a, b)
    if r is None:
        return f"{what}: not enough runs to say."
    d, half = (100 * x for x in r)
    if abs(d) <= half:
        return f"{what}: {d:+.2f} points, no difference by these seeds (95 % interval ± {half:.2f})."
    good = (d > 0) == (better == "higher")
    return f"{what}: **{'better' if good else 'worse'}** by {abs(d):.2f} points (95 % interval ± {half:.2f})."


def table(head, rows):
    out = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(out + ["| " + " | ".join(map(str, r)) + " |" for r in rows])


def plot(folder, name, draw, xlabel, ylabel, title):
    fig, ax = plt.subplots(figsize=(6.4, 3.6))
    draw(ax)
    ax.set_xlabel(xlabel), ax.set_ylabel(ylabel), ax.set_title(title, fontsize=11)
    if ax.get_legend_handles_labels()[1]:
        ax.legend(frameon=False)
    os.makedirs(folder, exist_ok=True)
    fig.tight_layout()
    fig.savefig(os.path.join(folder, name + ".svg"), metadata={"Date": None})
    plt.close(fig)
    return f"![{title}](experiments/{name}.svg)"


def line(ax, x, series, label, percent=True, fmt="o-"):
    have = [(a, v) for a, v in zip(x, series) if v]
    k = 100 if percent else 1
    if have:
        ax.errorbar([a for a, _ in have], [k * mean(v) for _, v in have], [k * spread(v) if len(v) > 1 else 0 for _, v in have], fmt=fmt, capsize=3, label=label)


RETRIEVAL = (("acc", "ACC = R@1"), ("r5", "R@5"), ("r10", "R@10"), ("mean_r", "MeanR"))


def retrieval_row(r, pattern, folder):
    to_image = lambda key: [shown(r.values(pattern, folder, "text_to_image", key), True)]
    return [shown(r.values(pattern, folder, key), True) for key, _ in RETRIEVAL] + to_image("r1") + to_image("mean_r")


RETRIEVAL_HEAD = [title for _, title in RETRIEVAL] + ["text to image R@1", "MeanR"]


def data_section(r, folder):
    rows = []
    for s in SETS:
        for judged in dict.fromkeys((s, "BIT-DC", "BIT-DP")):
            rows.append([s, judged, *retrieval_row(r, f"retrieval-{s}-small-{{}}", judged)])
    on = lambda s, judged: r.values(f"retrieval-{s}-small-{{}}", judged, "acc")

    def draw(ax):
        for judged in ("BIT-DC", "BIT-DP"):
            line(ax, range(4), [on(s, judged) for s in SETS], f"test pictures of {judged}", fmt="o")
        ax.set_xticks(range(4), SETS)

    reader = r.by_name.get("shipped-reader", {})
    yardstick = ["The product, which finds the dots, embeds each cell and decodes the code (`braillectl read --crop`), on the same pictures: " + "; ".join(
        f"{s} {100 * reader[s]['acc']:.1f} % (" + ", ".join(f"{g} {100 * v:.1f}" for g, v in reader[s]["types"].items()) + ")" for s in ("BIT-DC", "BIT-DP") if s in reader) +
        ". It cannot know which way up a few cells lie; a retrieval model can learn the look of both."] if reader else []
    return ["## Data: cleaning and augmentation", table(["trained on", "test pictures of", *RETRIEVAL_HEAD], rows),
            plot(folder, "data", draw, "trained on", "ACC, %", "What cleaning and augmentation are worth"),
            said("Cleaning (BIT-DC against BIT), judged on clean pictures", on("BIT-DC", "BIT-DC"), on("BIT", "BIT-DC")),
            said("Augmentation (BIT-DA against BIT), judged on augmented clean pictures", on("BIT-DA", "BIT-DP"), on("BIT", "BIT-DP")),
            said("Augmentation, judged on pictures that are not augmented", on("BIT-DA", "BIT-DC"), on("BIT", "BIT-DC")),
            said("Both (BIT-DP against BIT), judged on augmented clean pictures", on("BIT-DP", "BIT-DP"), on("BIT", "BIT-DP")),
            said("Cleaning where there is augmentation (BIT-DP against BIT-DA), judged on augmented clean pictures", on("BIT-DP", "BIT-DP"), on("BIT-DA", "BIT-DP")),
            "A set's own test pictures (the rows where both names are one) are of different difficulty: those of BIT have the badly cut ones, those of BIT-DA and BIT-DP the "
            "turned and coloured ones. Comparing models on them, as tables of this kind usually do, compares the tests.",
            f"What ACC means matters as much: upstream's training prints the share right within a batch. The models of BIT-DP have {shown(on('BIT-DP', 'BIT-DP'), True)} % among all texts of the "
            f"test, and {shown(r.values('batch-{}', 'BIT-DP', 'batch', 'acc'), True)} % in batches of {BATCH}.", *yardstick]


def tower_section(r, folder):
    pattern = lambda size: f"retrieval-BIT-DP-{size}-{{}}"
    parameters = {size: sum(x.numel() for x in BrailleCLIP(contrastive.SIZES[size]).visual.parameters()) for size in SIZES}
    ran = sorted((s for s in SIZES if r.seconds(pattern(s))), key=parameters.get)
    rows = [[f"{size}: {contrastive.SIZES[size]['vision_width']} x {contrastive.SIZES[size]['vision_layers']}, {parameters[size] / 1e6:.3f} M", judged,
             *retrieval_row(r, pattern(size), judged)] for size in ran for judged in ("BIT-DP", *PARTS)]
    on = lambda size, *path: r.values(pattern(size), "BIT-DP", *path, "acc")
    unseen = [[size, *(shown(on(size, group, "image_to_text"), True) for group in ("seen", "unseen"))] for size in ran]
    out = ["## Sizes of image tower, and the parts of BIT", table(["tower: width x layers, parameters", "test pictures of", *RETRIEVAL_HEAD], rows)]
    out += [said(f"The tower {large} against {small}, after the same steps", on(large), on(small)) for small, large in zip(ran, ran[1:])]
    missing = [size for size in SIZES if size not in ran]
    if missing:
        out.append(f"Not run here: {', '.join(missing)}.")
    return out + ["Most numbers of the test have no picture with the same text in training: what is found is put together from characters.",
                  table(["tower", "ACC, texts that training has", "texts that it has not"], unseen)]


def knn_section(r, folder):
    name = "retrieval-BIT-DP-small-{}"
    first = r.by_name.get(name.format(0))
    if not first or not first["BIT-DP"].get("knn"):
        return []
    ks = sorted({v["k"] for v in first["BIT-DP"]["knn"]})
    find = lambda k, among, vote: r.values(name, "BIT-DP", "knn", lambda list_: next((v["acc"] for v in list_ if (v["k"], v["among"], v["vote"]) == (k, among, vote)), None))
    kinds = [(a, v) for a in ("pictures", "both") for v in ("majority", "similarity")]

    def draw(ax):
        for among, vote in kinds:
            line(ax, ks, [find(k, among, vote) for k in ks], f"{among}, {vote}")
        line(ax, ks, [r.values(name, "BIT-DP", "acc")] * len(ks), "nearest text", fmt="--")

    rows = [[k, *(shown(find(k, a, v), True) for a, v in kinds)] for k in ks]
    return ["## The k of KNN", "The text that the k nearest training pictures (or pictures and texts) of a picture elect, on BIT-DP, small tower. The nearest text alone: "
            + shown(r.values(name, "BIT-DP", "acc"), True) + " %.", table(["k", *(f"{a}, {v}" for a, v in kinds)], rows),
            plot(folder, "knn", draw, "k", "ACC, %", "k of the KNN")]


def joint_section(r, folder):
    figures = (("BIT-DP", "acc", True), ("BIT-DP", "mean_r", True), ("speech", "mcd_dtw", False), ("speech", "ser", True), ("speech", "ser_macro", True))
    row = lambda pattern: [heard(r.values(pattern, *path)) if "ser" in path[-1] else shown(r.values(pattern, *path), percent) for *path, percent in figures]
    rows = [["two-stage", *row("two-stage-{}")]] + [[f"joint, λ = {w}", *row(f"joint-{w}-{{}}")] for w in LAMBDAS]
    acc, ser = (lambda w: r.values(f"joint-{w}-{{}}", "BIT-DP", "acc")), (lambda w: r.values(f"joint-{w}-{{}}", "speech", "ser"))
    x = [float(w) for w in LAMBDAS]

    def draw(ax):
        line(ax, x, [acc(w) for w in LAMBDAS], "ACC, joint")
        line(ax, [float(w) for w in HEARD], [ser(w) for w in HEARD], "syllables wrong, joint", fmt="s-")
        line(ax, x, [r.values("two-stage-{}", "BIT-DP", "acc")] * len(x), "ACC, two-stage", fmt="--")
        line(ax, x, [r.values("two-stage-{}", "speech", "ser")] * len(x), "syllables wrong, two-stage", fmt=":")

    out = ["## Two-stage against joint, and λ", table(["", "ACC %", "MeanR %", "MCD dB", "syllables wrong %", "the same, eq. (15) %"], rows),
           plot(folder, "lambda", draw, "λ of L = λ L image-text + (1 - λ) L text-audio", "%", "What λ changes"),
           said("Joint (λ = 0.5) against two-stage, ACC", acc("0.5"), r.values("two-stage-{}", "BIT-DP", "acc")),
           said("Joint (λ = 0.5) against two-stage, syllables wrong", ser("0.5"), r.values("two-stage-{}", "speech", "ser"), better="lower")]
    means = {w: mean(acc(w)) for w in LAMBDAS if acc(w)}
    if len(means) > 1:
        best, worst = max(means, key=means.get), min(means, key=means.get)
        out.append(f"Largest mean ACC at λ = {best} ({100 * means[best]:.2f} %), smallest at {worst} ({100 * means[worst]:.2f} %). " + said("The best against 0.5", acc(best), acc("0.5")))
    out.append("Why so little can happen: the two models share no parameter. λ scales the gradient of each, AdamW divides the gradient by its own running size, and so a "
               "constant factor drops out of the step. What is left is the clipping of the common gradient norm to 1: the loss with the larger gradient (here the contrastive one, whose "
               "norm was 5 to 15 at the start) takes steps away from the other. A λ that matters needs an optimiser that keeps the scale (SGD), or towers that share weights.")
    return out


def vocoder_section(r, folder, steps):
    path = (("ser", True), ("ser_toned", True), ("mcd_dtw", False), ("mcd_dtw_24", False), ("f0_rmse_cents", False), ("fad", False))
    row = lambda pattern: [shown(r.values(pattern, "speech", key), percent) for key, percent in path]
    size = lambda kind: f"{sum(x.numel() for x in hifigan.fused(hifigan.Generator(hifigan.CONFIGS[kind]).state_dict(), hifigan.CONFIGS[kind])[0].parameters()) / 1e6:.2f} M"
    rows = [[f"HiFi-GAN {k}", size(k), steps(VOCODERS[k]), *row(f"vocoder-{k}-{{}}")] for k in VOCODERS] + [["Griffin-Lim, 60 iterations", "-", "-", *row("griffin-lim-{}")]]
    shipped = r.by_name.get("shipped-voice", {}).get("speech", {})
    if shipped:
        rows.append(["shipped: harmonic source, inverse STFT", size("source"), "its card", *(f"{(100 if p else 1) * shipped[k]:.{1 if p else 2}f}" if shipped.get(k) is not None else "-" for k, p in path)])
    ser = lambda k: r.values(k, "speech", "ser")

    def draw(ax):
        names = [f"vocoder-{k}-{{}}" for k in VOCODERS] + ["griffin-lim-{}"]
        line(ax, range(len(names)), [ser(n) for n in names], None, fmt="o")
        ax.set_xticks(range(len(names)), [*VOCODERS, "Griffin-Lim"])

    return ["## Vocoders behind one FastSpeech2", table(["vocoder", "parameters", "steps", "syllables wrong %", "with tones %", "MCD dB", "MCD (c1-c24) dB", "F0 RMSE cents", "FAD of our own embedding"], rows),
            plot(folder, "vocoders", draw, "", "syllables wrong, %", "Vocoders trained for the same time on one core, and Griffin-Lim"),
            said("HiFi-GAN V1 against Griffin-Lim, syllables wrong", ser("vocoder-V1-{}"), ser("griffin-lim-{}"), better="lower"),
            said("HiFi-GAN V2 against Griffin-Lim, syllables wrong", ser("vocoder-V2-{}"), ser("griffin-lim-{}"), better="lower"),
            said("HiFi-GAN V3 against Griffin-Lim, syllables wrong", ser("vocoder-V3-{}"), ser("griffin-lim-{}"), better="lower"),
            "V1, V2 and V3 were trained from nothing for the same few minutes of one core, by spectral losses without discriminators: the table says what a vocoder is worth after that time, "
            "not after the 2.5 million steps of its authors. All stand behind the same filter (models/hifigan/envelope), which repairs much of a weak vocoder."]


def verdict(gain, half):
    """What an interval of a gain in points says of a claim that there is one."""
    if gain > half:
        return f"agrees: {gain:.2f} points (± {half:.2f})"
    if gain < -half:
        return f"**contradicts**: {-gain:.2f} points worse (± {half:.2f})"
    return f"**not confirmed**: {gain:+.2f} points (± {half:.2f}); a gain of more than {gain + half:.2f} points is excluded"


def paper_section(r):
    data = lambda s, judged: r.values(f"retrieval-{s}-small-{{}}", judged, "acc")
    acc, ser = (lambda name: r.values(name, "BIT-DP", "acc")), (lambda name: r.values(name, "speech", "ser"))
    best = max((w for w in LAMBDAS if acc(f"joint-{w}-{{}}")), key=lambda w: mean(acc(f"joint-{w}-{{}}")), default="0.5")
    claims = [
        ("Cleaning pays (clean test pictures)", data("BIT-DC", "BIT-DC"), data("BIT", "BIT-DC"), 1),
        ("Augmentation pays (augmented test pictures)", data("BIT-DA", "BIT-DP"), data("BIT", "BIT-DP"), 1),
        ("Augmentation pays (pictures as they are)", data("BIT-DA", "BIT-DC"), data("BIT", "BIT-DC"), 1),
        ("Both together pay: BIT-DP is the set to train on (augmented test pictures)", data("BIT-DP", "BIT-DP"), data("BIT", "BIT-DP"), 1),
        ("the same (pictures as they are, against cleaning alone)", data("BIT-DP", "BIT-DC"), data("BIT-DC", "BIT-DC"), 1),
        ("Joint fine-tuning beats two stages, ACC", acc("joint-0.5-{}"), acc("two-stage-{}"), 1),
        ("Joint fine-tuning beats two stages, syllables", ser("joint-0.5-{}"), ser("two-stage-{}"), -1),
        ("λ = 0.5 is better than 0.1", acc("joint-0.5-{}"), acc("joint-0.1-{}"), 1),
        ("λ = 0.5 is better than 0.9", acc("joint-0.5-{}"), acc("joint-0.9-{}"), 1)]
    rows = []
    for claim, a, b, sign in claims:
        d = differ(a, b)
        rows.append([claim, verdict(100 * sign * d[0], 100 * d[1]) if d else "not enough runs"])
    apart = [w for w in LAMBDAS if w != best and (d := differ(acc(f"joint-{best}-{{}}"), acc(f"joint-{w}-{{}}"))) and d[0] > d[1]]
    return ["## Against the paper", table(["claim", "here"], rows),
            f"The paper takes λ1 = λ2 = 0.5; here the largest mean ACC is at {best}, and " + (f"only {', '.join(apart)} can be told from it." if apart else "no other can be told from it.") +
            " The number of steps is the same for all sets, so the pictures of the augmented ones, twice as many, were each seen half as often."]


def total_hours(r):
    return sum(x.get("seconds", 0) for x in r.by_name.values()) / 3600


def write_report(work, path, seeds, effort=1.0):
    r = Results(work, seeds)
    folder = os.path.join(os.path.dirname(os.path.abspath(path)), "experiments")
    device = next((x[k]["device"] for x in r.by_name.values() for k in x if isinstance(x[k], dict) and x[k].get("device")), "?")
    steps = lambda n: round(n * effort)
    parts = [
        "# The paper's experiment, run again",
        "Written by `models/recipes/experiments.py --report` (how to run it: models/recipes/README.md); do not edit. Every figure is the mean of "
        f"{seeds} seeds ± their standard deviation. Models of one seed began with the same pre-training, so differences are taken seed by seed, with their 95 % interval (Student's t).",
        f"Judged by `braille-eval` through the shaders, on {device}. {len(r.by_name)} jobs, {total_hours(r):.1f} hours of one slow core (the machine had other work).",
        "What is the same as in arXiv 2407.14212: the kinds of picture and text and their counts (BIT 6,200; cleaning; a twin of each picture), the losses (1)-(10), the stages, batches of "
        f"{BATCH}, the metrics. What is not: nothing can be downloaded here, so the towers are small ones of the same arrangement trained from nothing ({steps(PRE_STEPS)} steps on cleanly drawn "
        f"pictures of another seed instead of MUGE, without the texts that only the test has; then {steps(FINE_STEPS)} steps on the set), pictures are drawn, not scanned, and FastSpeech2 is "
        f"the shipped one (Kokoro's speech instead of Baker), which the joint stage trains for {steps(JOINT_STEPS)} more steps. The paper's tables print figures for its own data and give neither data nor code, so "
        "its cells (tables 6 to 9) cannot be compared one by one; its claims can. The gallery has the texts of the test split; a picture is right when its own text is the nearest.",
        *paper_section(r), *data_section(r, folder), *tower_section(r, folder), *knn_section(r, folder), *joint_section(r, folder), *vocoder_section(r, folder, steps)]
    tmp = path + ".tmp"
    with open(tmp, "w", encoding="utf8") as f:
        f.write("\n\n".join(parts) + "\n")
        f.flush()
        os.fsync(f.fileno())
    os.replace(tmp, path)
