"""The filter behind the vocoder (models/hifigan/envelope.h): its samples are changed until their mel is the one that was asked for."""
import torch

from common import _BANK, _HANN, HOP, N_FFT, mel

MAX_CHANGE = 2.5  # of a log-mel in one pass


def sharpened(m, sharpness):
    """[80, T]: each band away from the weighted mean of the five around it."""
    kernel = torch.tensor([1, 2, 3, 2, 1.])[None, None] / 9
    mean = torch.nn.functional.conv1d(torch.nn.functional.pad(m.T[:, None], (2, 2), "replicate"), kernel)[:, 0].T
    return m + sharpness * (m - mean)


def correct(y, m, passes=2, sharpness=0.0):
    """Samples [256 T] and the log-mel [80, T] that they should have -> samples."""
    m, pad = sharpened(m, sharpness), (N_FFT - HOP) // 2
    total = _BANK.sum(0)
    for _ in range(passes):
        change = (m - mel(y[None])[0]).clamp(-MAX_CHANGE, MAX_CHANGE)
        gain = torch.exp((_BANK / (total + 1e-9)).T @ change)
        gain[total < 1e-6] = 1
        x = torch.nn.functional.pad(y[None, None], (pad, pad), "reflect")[0]
        s = torch.stft(x, N_FFT, HOP, N_FFT, _HANN, center=False, return_complex=True)[0] * gain
        frames = torch.fft.irfft(s, dim=0) * _HANN[:, None]
        out, cover = torch.zeros(x.shape[1]), torch.zeros(x.shape[1])
        for t in range(frames.shape[1]):
            out[t * HOP:t * HOP + N_FFT] += frames[:, t]
            cover[t * HOP:t * HOP + N_FFT] += _HANN**2
        y = (out / cover.clamp(min=1e-3))[pad:pad + len(y)]
    return y
