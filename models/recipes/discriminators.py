"""HiFi-GAN's discriminators and adversarial losses (Kong et al. 2020, arXiv 2010.05646, sections 2.3 and 2.4): periods 2 3 5 7 11, scales 1 2 4.

Least-squares GAN loss, feature matching with weight 2. Used by hifigan.py --adversarial.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

SLOPE = 0.1


class Period(nn.Module):
    """The signal as an image of `period` columns; convolutions along the rows only."""

    def __init__(self, period):
        super().__init__()
        self.period, widths = period, [1, 32, 128, 512, 1024]
        self.convs = nn.ModuleList(weight_norm(nn.Conv2d(a, b, (5, 1), (3, 1), (2, 0))) for a, b in zip(widths, widths[1:]))
        self.convs.append(weight_norm(nn.Conv2d(1024, 1024, (5, 1), 1, (2, 0))))
        self.post = weight_norm(nn.Conv2d(1024, 1, (3, 1), 1, (1, 0)))

    def forward(self, x):
        short = -x.shape[-1] % self.period
        x = F.pad(x, (0, short), "reflect") if short else x
        return judge(x.view(x.shape[0], 1, -1, self.period), self.convs, self.post)


class Scale(nn.Module):
    """Grouped convolutions along the signal; the unscaled one under spectral norm, as upstream has it."""

    def __init__(self, norm):
        super().__init__()
        plan = [(1, 128, 15, 1, 1), (128, 128, 41, 2, 4), (128, 256, 41, 2, 16), (256, 512, 41, 4, 16), (512, 1024, 41, 4, 16), (1024, 1024, 41, 1, 16),
                (1024, 1024, 5, 1, 1)]
        self.convs = nn.ModuleList(norm(nn.Conv1d(a, b, k, s, k // 2, groups=g)) for a, b, k, s, g in plan)
        self.post = norm(nn.Conv1d(1024, 1, 3, 1, 1))

    def forward(self, x):
        return judge(x, self.convs, self.post)


def judge(x, convs, post):
    """-> score, features of every layer"""
    features = []
    for conv in convs:
        x = F.leaky_relu(conv(x), SLOPE)
        features.append(x)
    x = post(x)
    features.append(x)
    return x.flatten(1), features


class Judges:
    """All eight with their optimiser."""

    def __init__(self, lr, device="cpu"):
        self.nets = nn.ModuleList([*(Period(p) for p in (2, 3, 5, 7, 11)), Scale(spectral_norm), Scale(weight_norm), Scale(weight_norm)]).to(device)
        self.pool = nn.AvgPool1d(4, 2, 2)
        self.opt = torch.optim.AdamW(self.nets.parameters(), lr, (0.8, 0.99))

    def hear(self, x):
        x, out = x[:, None], []
        for i, net in enumerate(self.nets):
            x = self.pool(x) if i > 5 else x
            out.append(net(x))
        return out

    def step(self, real, fake):
        """Train the discriminators on samples [B, T]; -> the generator's adversarial and feature loss."""
        loss = sum(((1 - a) ** 2).mean() + (b**2).mean() for (a, _), (b, _) in zip(self.hear(real), self.hear(fake.detach())))
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        with torch.no_grad():
            truth = self.hear(real)
        out = 0
        for (_, want), (score, got) in zip(truth, self.hear(fake)):
            out = out + ((1 - score) ** 2).mean() + 2 * sum(F.l1_loss(b, a) for a, b in zip(want, got))
        return out

    def state(self):
        return dict(nets=self.nets.state_dict(), opt=self.opt.state_dict())

    def restore(self, state):
        self.nets.load_state_dict(state["nets"]), self.opt.load_state_dict(state["opt"])
