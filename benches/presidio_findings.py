#!/usr/bin/env python3
"""Runs Microsoft Presidio over a labelled set and prints its results as findings, for `score_*.py --findings`.

    python3 -m venv venv && venv/bin/pip install presidio-analyzer MODEL
    venv/bin/python benches/presidio_findings.py --model MODEL SET.jsonl > findings.jsonl
    score_spans.py --findings findings.jsonl --min-confidence low SET.jsonl

The analyzer is the default one: English, all its recognizers, spaCy for names. A result counts from `--threshold` on, 0.4
as in Presidio's own evaluation. Categories and detectors are filled in only so that the scorers can read the lines.
"""

import argparse
import json
import sys
import time


def findings(analyzer, path, threshold):
    with open(path, encoding="utf-8") as lines:
        for row, line in enumerate(lines):
            text = json.loads(line)["text"]
            for result in analyzer.analyze(text=text, language="en", score_threshold=threshold):
                yield {
                    "path": path,
                    "row": row,
                    "field": "text",
                    "line": row + 1,
                    "start": len(text[: result.start].encode()),
                    "end": len(text[: result.end].encode()),
                    "detector": "presidio-" + result.entity_type.lower().replace("_", "-"),
                    "entity": result.entity_type,
                    "categories": ["pii"],
                    "confidence": "high" if result.score >= 0.8 else "medium" if result.score >= 0.5 else "low",
                    "score": result.score,
                    "fingerprint": "",
                    "preview": "",
                }


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", default="en_core_web_lg", help="name or folder of a spaCy model (default: %(default)s)")
    p.add_argument("--threshold", type=float, default=0.4, help="least score of a result (default: %(default)s)")
    p.add_argument("dataset")
    args = p.parse_args()

    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    model = {"lang_code": "en", "model_name": args.model}
    provider = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": [model]})
    analyzer = AnalyzerEngine(nlp_engine=provider.create_engine(), supported_languages=["en"])
    start = time.perf_counter()
    for finding in findings(analyzer, args.dataset, args.threshold):
        print(json.dumps(finding))
    print(f"{time.perf_counter() - start:.1f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
