#!/usr/bin/env python3
"""Time of `lineward scan` over hostile text that grows: does the time grow with the size and no faster?

Each pattern is written at three sizes, each twice the one before, and scanned on one core; the time of an empty scan is
taken off. A pattern fails where doubling costs more than 2.2 times, or where the speed falls under 30 MB/s (rows T7 of the
goals). Inputs are made here from a fixed seed and thrown away.

    benches/bench_hostile.py --scanner path/to/lineward [--size-mb 4] [--runs 3] [PATTERN...]
"""

import argparse
import base64
import json
import os
import random
import string
import subprocess
import sys
import tempfile
import time

ALNUM = string.ascii_letters + string.digits


def repeated(unit):
    return lambda size, rng: (unit * (size // len(unit) + 1))[:size]


def lines(make):
    def write(size, rng):
        out, length = [], 0
        while length < size:
            line = make(rng) + "\n"
            out.append(line)
            length += len(line)
        return "".join(out)[:size]

    return write


def token(rng, alphabet, count):
    return "".join(rng.choices(alphabet, k=count))


def nested(size, rng):
    text = token(rng, ALNUM + " ", size // 4)
    for _ in range(4):
        text = base64.b64encode(text.encode()).decode()
    return text[:size]


def json_in_json(size, rng):
    text = "x" * 100
    while len(text) < 20_000:
        text = json.dumps({"a": text, "b": text})
    return "".join(text + "\n" for _ in range(size // len(text) + 1))[:size]


PATTERNS = {
    "one-token-type": lines(lambda r: "token ghp_" + token(r, ALNUM, 36)),
    "one-token-type-unbroken": lambda size, r: ("ghp_" + token(r, ALNUM, 36)) * (size // 40),
    "assignments": lines(lambda r: 'password = "' + token(r, ALNUM, 20) + '"'),
    "long-digits": lambda size, r: token(r, string.digits, size),
    "digit-groups": lambda size, r: "".join(token(r, string.digits, r.randint(1, 12)) + r.choice(" -.") for _ in range(size // 7))[:size],
    "cards": lines(lambda r: "4" + token(r, string.digits, 15)),
    "at-signs": repeated("@"),
    "at-and-letters": repeated("a@"),
    "local-part": repeated("a.b-c_d%e+"),
    "letters": lambda size, r: token(r, string.ascii_letters, size),
    "hexadecimal": lambda size, r: token(r, "0123456789abcdef", size),
    "base64-nested": nested,
    "base64-lines": lines(lambda r: base64.b64encode(token(r, ALNUM, 57).encode()).decode()),
    "percent": repeated("%25"),
    "entities": repeated("&amp;"),
    "backslashes": repeated("\\"),
    "escaped-quotes": repeated('\\"key\\": '),
    "json-in-json": json_in_json,
    "labels": repeated("password secret token key ssn dob mrn "),
    "label-and-number": lines(lambda r: "ssn " + token(r, string.digits, 9)),
    "keys": repeated("key=key=key:"),
    "pem-heads": repeated("-----BEGIN RSA PRIVATE KEY-----\n"),
    "dots": repeated("1.1.1.1."),
    "colons": repeated("a:b:"),
    "names": repeated("Mary Smith Dr. John Brown "),
    "quotes": repeated('"'),
    "brackets": repeated("[{"),
    "blanks": repeated(" "),
    "line-breaks": repeated("\n"),
    "tabs-of-table": repeated("name\tssn\n"),
    "utf8": repeated("ä\u00a0é１"),
    "control": repeated("\x01\x02"),
}


def seconds(scanner, path, runs):
    best, findings = None, 0
    for _ in range(runs):
        start = time.perf_counter()
        done = subprocess.run(
            ["taskset", "-c", "0", scanner, "scan", "--format", "text", "--binary", "scan", "--report", "jsonl", path],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600,
        )
        took = time.perf_counter() - start
        if done.returncode not in (0, 1):
            sys.exit(f"scan of {path} ended with {done.returncode}: {done.stderr.decode()[-500:]}")
        findings = done.stdout.count(b"\n")
        best = took if best is None else min(best, took)
    return best, findings


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--scanner", required=True)
    p.add_argument("--size-mb", type=float, default=4)
    p.add_argument("--runs", type=int, default=3)
    p.add_argument("patterns", nargs="*", metavar="PATTERN")
    args = p.parse_args()
    unknown = set(args.patterns) - set(PATTERNS)
    if unknown:
        p.error(f"no such pattern: {', '.join(sorted(unknown))}; there are {', '.join(PATTERNS)}")
    missed = 0
    with tempfile.TemporaryDirectory(prefix="hostile-") as work:
        empty = os.path.join(work, "empty.txt")
        with open(empty, "w") as f:
            f.write("nothing\n")
        base, _ = seconds(args.scanner, empty, args.runs)
        print(f"start-up {base * 1000:.0f} ms, taken off\n")
        print(f"{'pattern':26}{'findings':>9}{'seconds at 1, 2 and 4 times ' + format(args.size_mb, 'g') + ' MB':>40}{'doubling':>10}{'MB/s':>8}")
        for name in args.patterns or PATTERNS:
            times = []
            for factor in (1, 2, 4):
                size = int(args.size_mb * factor * 1e6)
                path = os.path.join(work, "input.txt")
                with open(path, "w") as f:
                    f.write(PATTERNS[name](size, random.Random(7)))
                took, findings = seconds(args.scanner, path, args.runs)
                times.append(max(took - base, 1e-4))
                size = os.path.getsize(path)
            growth, speed = times[2] / times[1], size / times[2] / 1e6
            verdict = "" if growth <= 2.2 and speed >= 30 else "  missed"
            missed += bool(verdict)
            print(f"{name:26}{findings:9}{'  '.join(f'{t:8.3f}' for t in times):>40}{growth:10.2f}{speed:8.0f}{verdict}", flush=True)
    print(f"\n{missed} of {len(args.patterns or PATTERNS)} patterns missed")


if __name__ == "__main__":
    main()
