"""Answers random questions about an estate with igraph.

Argument: a folder with `hops.parquet` and `questions.json`, as `bench_lineage` writes them. Printed as a JSON list: for
each question the versions reached, sorted.
"""

import json
import sys

import igraph
import pyarrow.parquet


def main():
    folder = sys.argv[1]
    table = pyarrow.parquet.read_table(f"{folder}/hops.parquet").to_pydict()
    hops = list(zip(table["src"], table["dst"], table["valid_from"], table["valid_to"]))
    nodes = 1 + max(max(table["src"]), max(table["dst"]))
    with open(f"{folder}/questions.json", encoding="utf-8") as file:
        asked = json.load(file)["asked"]
    answers = [None] * len(asked)
    # One graph for all questions of a time.
    for at in sorted({question["at"] for question in asked}):
        live = [(src, dst) for src, dst, since, until in hops if since <= at < until]
        graph = igraph.Graph(n=max(nodes, 1 + max(q["seed"] for q in asked)), edges=live, directed=True)
        for place, question in enumerate(asked):
            if question["at"] == at:
                reached = graph.subcomponent(question["seed"], mode="in" if question["up"] else "out")
                answers[place] = sorted(v for v in reached if v != question["seed"])
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
