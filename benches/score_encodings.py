#!/usr/bin/env python3
"""Share of findings that are found again after the text was encoded.

    benches/score_encodings.py [--scanner "lineward"] [--types ENTITY,...] SET.jsonl

Each record's `text` is scanned as it is and in each encoding; a finding counts as found again where the encoded record has
one of the same entity, each counted once. Each line of the set is a JSON object; only its `text` is used. Names are
switched off: what is measured is the reading of encodings, and a tagger reads no base64.
"""

import argparse
import base64
import collections
import gzip
import html
import json
import pathlib
import shlex
import subprocess
import tempfile
import urllib.parse

FULL_WIDTH = {ord(d): 0xFF10 + n for n, d in enumerate("0123456789")}


def html_entities(text):
    return "".join(c if c.isalnum() else f"&#{ord(c)};" for c in text)


# Each takes a text and gives the text that stands in the record.
ENCODINGS = {
    "JSON in JSON": lambda t: json.dumps({"body": t}),
    "JSON twice": lambda t: json.dumps({"body": json.dumps({"text": t}, ensure_ascii=True)}),
    "base64": lambda t: base64.b64encode(t.encode()).decode(),
    "base64 in lines": lambda t: base64.encodebytes(t.encode()).decode(),
    "base64 for URLs": lambda t: base64.urlsafe_b64encode(t.encode()).decode().rstrip("="),
    "percent": lambda t: urllib.parse.quote(t, safe=""),
    "form": lambda t: "q=" + urllib.parse.quote_plus(t),
    "HTML": lambda t: html.escape(t),
    "HTML entities": html_entities,
    "no-break spaces": lambda t: t.replace(" ", "\u00a0"),
    "full-width digits": lambda t: t.translate(FULL_WIDTH),
}


def write_jsonl(path, texts):
    lines = "".join(json.dumps({"text": t}, ensure_ascii=False) + "\n" for t in texts)
    path.write_text(lines, encoding="utf-8")
    return path


def write_utf16(path, texts):
    lines = "".join(json.dumps({"text": t}, ensure_ascii=False) + "\n" for t in texts)
    path.write_bytes(lines.encode("utf-16"))
    return path


def write_gzip(path, texts):
    lines = "".join(json.dumps({"text": t}, ensure_ascii=False) + "\n" for t in texts)
    path.write_bytes(gzip.compress(lines.encode()))
    return path


def found(command, path, types):
    done = subprocess.run(
        [*command, "scan", "--ner", "off", "--report", "jsonl", str(path)], capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr)
    counts = collections.Counter()
    for line in done.stdout.splitlines():
        finding = json.loads(line)
        if not types or finding["entity"] in types:
            counts[(finding["row"], finding["entity"])] += 1
    return counts


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--scanner", default="lineward", help="program to measure (default: %(default)s)")
    p.add_argument("--types", default="", help="only these entities (default: all)")
    p.add_argument("--misses", type=int, default=0, help="show the entities that are lost most often")
    p.add_argument("dataset")
    args = p.parse_args()
    command, types = shlex.split(args.scanner), set(filter(None, args.types.split(",")))
    texts = [json.loads(line)["text"] for line in open(args.dataset, encoding="utf-8")]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        plain = found(command, write_jsonl(folder / "plain.jsonl", texts), types)
        inputs = {
            name: write_jsonl(folder / f"{n}.jsonl", map(encode, texts))
            for n, (name, encode) in enumerate(ENCODINGS.items())
        }
        inputs["UTF-16"] = write_utf16(folder / "utf16.jsonl", texts)
        inputs["gzip"] = write_gzip(folder / "packed.jsonl.gz", texts)
        print(f"{sum(plain.values())} findings in {len(texts)} records")
        for name, path in inputs.items():
            lost = plain - found(command, path, types)
            print(f"{name:20} {1 - sum(lost.values()) / max(1, sum(plain.values())):.3f}")
            by_entity = collections.Counter()
            for (_, entity), count in lost.items():
                by_entity[entity] += count
            for entity, count in by_entity.most_common(args.misses):
                print(f"    {entity:24} {count}")


if __name__ == "__main__":
    main()
