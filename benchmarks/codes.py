"""The agreement of the code of an InfoGAN with the classes of digits.

    specc train specs/infogan.yaml --out runs/infogan
    python -m benchmarks.codes runs/infogan

The recognition network, which is trained on samples without labels, gives each of the 1,797 digits
a value of the code. Prints the number of digits by class and code, and the fraction of digits whose
code stands for their class, with one code for each class (the Hungarian algorithm).
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from sklearn.datasets import load_digits

import specc


def main() -> None:
    """Print the table and the agreement."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run")
    program = specc.open_run(parser.parse_args().run, device="cpu").program.eval()
    digits = load_digits()
    with torch.no_grad():
        images = torch.tensor(digits.images / 16).float().unsqueeze(1)
        logits = program.fake.c_logits(program.fake.h(images))
    table = np.zeros((10, 10), dtype=int)
    np.add.at(table, (digits.target, logits.argmax(-1).numpy()), 1)
    classes, codes = linear_sum_assignment(-table)
    print("digits by class (lines) and code, which is in the order of the classes")
    print(table[:, codes])
    print(f"agreement {table[classes, codes].sum() / table.sum():.3f}")


if __name__ == "__main__":
    main()
