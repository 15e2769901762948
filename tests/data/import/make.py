#!/usr/bin/env python3
"""Checkpoints as PyTorch writes them, small ones: what tests/unit/test-import-source.c reads. Needs torch; run by hand, the files are kept.

  make.py OUT_FOLDER
"""
import collections
import os
import sys

import torch

out = sys.argv[1]


def state():
    base = torch.arange(12.0)
    return collections.OrderedDict(
        f32=base[:6].reshape(2, 3).clone(),
        transposed=base.reshape(3, 4).t(),  # [4, 3], strides 1, 4
        sliced=base.reshape(3, 4)[1:, 1:3],  # [2, 2], offset 5
        f16=base[:4].half(), bf16=base[:4].bfloat16(), f64=base[:4].double(), i64=base[:4].long() - 2, i32=base[:4].int() - 2,
        i16=base[:4].short() - 2, i8=base[:4].to(torch.int8) - 2, u8=base[:4].byte(), bool=base[:4] > 1,
        scalar=torch.tensor(2.5), none=torch.empty(0, 4), parameter=torch.nn.Parameter(base[:3] / 4))


whole = {"epoch": 3, "step": 70000, "name": "tiny", "state_dict": state(), "loss": 0.5, "list": [1, (2, None, True)],
         "optimizer": {"state": {0: {"step": 5, "exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 1e-3, "betas": (0.9, 0.98), "params": [0]}]}}
torch.save(whole, f"{out}/zip.pt")
torch.save(whole, f"{out}/zip4.pt", pickle_protocol=4)
torch.save(whole, f"{out}/zip5.pt", pickle_protocol=5)
torch.save(whole, f"{out}/old.pt", _use_new_zipfile_serialization=False)
torch.save({"generator": state()}, f"{out}/g_00000001")
torch.save(torch.nn.Linear(3, 2).state_dict(), f"{out}/bare.bin")  # with the _metadata that modules give
torch.save(torch.nn.Linear(3, 2), f"{out}/object.pt")  # a whole object, which is refused
torch.jit.save(torch.jit.script(torch.nn.Linear(3, 2)), f"{out}/script.pt")  # a program, which is refused
for f in sorted(os.listdir(out)):
    print(f, os.path.getsize(f"{out}/{f}"))
