"""Asks DuckDB, PostgreSQL and igraph what `bench_lineage ask` asked Lineward, and compares answers and times.

Arguments: the folder that `bench_lineage make` filled, and the socket folder and port of a PostgreSQL server.
Prints a table; with `--json` the numbers.
"""

import argparse
import gc
import json
import os
import statistics
import time

import duckdb
import igraph
import numpy
import psycopg

PRESENT = 2**63 - 2


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--postgres", required=True, help="folder of the server's socket")
    parser.add_argument("--port", default="5432")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--runs", type=int, default=3, help="of each question")
    parser.add_argument("--limit", type=float, default=120, help="seconds for the random questions of an engine")
    return parser.parse_args()


def timed(ask, runs):
    """The answer, and the seconds of each run. What takes long is asked once."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        answer = ask()
        times.append(time.perf_counter() - start)
        if times[0] > 20:
            break
    return answer, times


def live(at):
    return f"valid_from <= {at} AND valid_to > {at}"


class DuckDb:
    name = "DuckDB"

    def __init__(self, folder, _server, _nodes):
        start = time.perf_counter()
        self.db = duckdb.connect()
        self.db.execute("SET threads = 2")
        columns = "src::INTEGER AS src, dst::INTEGER AS dst, valid_from, valid_to, clear_mask"
        self.db.execute(f"CREATE TABLE hops AS SELECT {columns} FROM read_parquet('{folder}/hops.parquet')")
        self.load = time.perf_counter() - start

    def walk(self, up, seeds, depth, at, bit=None):
        here, there = ("dst", "src") if up else ("src", "dst")
        holds = live(at) + ("" if bit is None else f" AND clear_mask & {1 << bit} = 0")
        given = f"SELECT unnest({list(map(int, seeds))})::INTEGER AS v"
        if depth is None:
            query = f"""WITH RECURSIVE r AS ({given}
                UNION SELECT {there} FROM r JOIN hops ON {here} = r.v WHERE {holds}) SELECT v FROM r"""
        else:
            query = f"""WITH RECURSIVE r AS (SELECT v, 0 AS d FROM ({given})
                UNION SELECT {there}, d + 1 FROM r JOIN hops ON {here} = r.v WHERE {holds} AND d < {depth})
                SELECT DISTINCT v FROM r"""
        return self.db.execute(query).fetchnumpy()["v"]

    count = walk


class Postgres:
    name = "PostgreSQL"

    def __init__(self, folder, server, _nodes):
        start = time.perf_counter()
        self.db = psycopg.connect(f"host={server[0]} port={server[1]} user=bench dbname=postgres", autocommit=True)
        self.db.execute("SET work_mem = '1GB'; SET max_parallel_workers_per_gather = 2; SET jit = off")
        self.db.execute("DROP TABLE IF EXISTS hops")
        self.db.execute(
            "CREATE UNLOGGED TABLE hops (src int, dst int, valid_from bigint, valid_to bigint, clear_mask bigint)"
        )
        file = f"{folder}/hops.csv"
        duckdb.sql(f"COPY (SELECT * FROM read_parquet('{folder}/hops.parquet')) TO '{file}' (HEADER false)")
        with open(file, "rb") as rows, self.db.cursor().copy("COPY hops FROM STDIN (FORMAT csv)") as copy:
            while block := rows.read(1 << 20):
                copy.write(block)
        os.remove(file)
        for column in ("src", "dst"):
            self.db.execute(f"CREATE INDEX ON hops ({column})")
        self.db.execute("ANALYZE hops")
        self.load = time.perf_counter() - start

    def query(self, up, depth, at, bit):
        here, there = ("dst", "src") if up else ("src", "dst")
        holds = live(at) + ("" if bit is None else f" AND clear_mask & {1 << bit} = 0")
        step = f"FROM r JOIN hops ON {here} = r.v WHERE {holds}"
        first = "SELECT unnest(%b::int[]) AS v"
        if depth is None:
            return f"WITH RECURSIVE r AS ({first} UNION SELECT {there} {step}) SELECT v FROM r"
        return f"""WITH RECURSIVE r AS (SELECT v, 0 AS d FROM ({first}) AS s
            UNION SELECT {there}, d + 1 {step} AND d < {depth}) SELECT DISTINCT v FROM r"""

    def walk(self, up, seeds, depth, at, bit=None):
        query = self.query(up, depth, at, bit)
        rows = self.db.cursor(binary=True).execute(query, [list(map(int, seeds))]).fetchall()
        return numpy.fromiter((row[0] for row in rows), dtype="int64", count=len(rows))

    def count(self, up, seeds, depth, at, bit=None):
        """Only the number of rows, so that its Python client costs nothing."""
        query = f"SELECT count(*) FROM ({self.query(up, depth, at, bit)}) AS found"
        return self.db.execute(query, [list(map(int, seeds))]).fetchone()[0]


class Igraph:
    """A graph of what holds at the present; for other times one is made each time, which is not counted as asking."""

    name = "igraph"

    def __init__(self, folder, _server, nodes):
        start = time.perf_counter()
        columns = duckdb.sql(f"SELECT * FROM read_parquet('{folder}/hops.parquet')").fetchnumpy()
        self.columns = {name: columns[name] for name in ("src", "dst", "valid_from", "valid_to", "clear_mask")}
        self.nodes = nodes
        self.kept = {}
        self.graph(PRESENT, None)
        self.load = time.perf_counter() - start

    def graph(self, at, bit):
        if (at, bit) not in self.kept:
            c = self.columns
            holds = (c["valid_from"] <= at) & (c["valid_to"] > at)
            if bit is not None:
                holds &= (c["clear_mask"] & (1 << bit)) == 0
            edges = numpy.column_stack((c["src"][holds], c["dst"][holds]))
            self.kept = {(at, bit): igraph.Graph(n=self.nodes, edges=edges, directed=True)}
        return self.kept[(at, bit)]

    def walk(self, up, seeds, depth, at, bit=None):
        graph = self.graph(at, bit)
        mode = "in" if up else "out"
        if depth is None:
            if len(seeds) == 1:
                found = numpy.array(graph.subcomponent(int(seeds[0]), mode=mode))
            else:
                # One walk from a node that leads to all seeds.
                more = graph.copy()
                more.add_vertices(1)
                ends = [(int(s), self.nodes) if up else (self.nodes, int(s)) for s in seeds]
                more.add_edges(ends)
                found = numpy.array(more.subcomponent(self.nodes, mode=mode))
                found = found[found != self.nodes]
        else:
            near = graph.neighborhood([int(s) for s in seeds], order=depth, mode=mode)
            found = numpy.unique(numpy.concatenate([numpy.array(n, dtype="int64") for n in near]))
        return found

    count = walk


def ours(folder, question):
    return numpy.fromfile(f"{folder}/{question['file']}", dtype="<i8")


def same(ours, theirs, seeds):
    """Whether these are the same versions, apart from those asked about."""
    theirs = numpy.sort(numpy.asarray(theirs, dtype="int64"))
    return bool(numpy.array_equal(theirs[~numpy.isin(theirs, seeds)], ours))


def ask(engine, folder, question, given):
    at = question.get("at") or PRESENT
    if question["kind"] == "walk":
        asked = (question["up"], question["seeds"], question["depth"], at)
        _, times = timed(lambda: engine.count(*asked), given.runs)
        return {"times": times, "equal": same(ours(folder, question), engine.walk(*asked), question["seeds"])}
    if question["kind"] == "tag":
        asked = (False, question["seeds"], None, at, question["bit"])
        _, times = timed(lambda: engine.count(*asked), given.runs)
        found = numpy.asarray(engine.walk(*asked))
        first, end = question["models"]
        found = found[(found >= first) & (found < end)]
        return {"times": times, "equal": same(ours(folder, question), found, [])}
    if question["kind"] == "small":
        times, begun = [], time.perf_counter()
        for seed in question["seeds"]:
            times += timed(lambda s=seed: engine.count(True, [s], 3, PRESENT), 1)[1]
            if time.perf_counter() - begun > given.limit / 4:
                break
        return {"times": times, "p50": statistics.median(times)}
    if question["kind"] == "random":
        asked, answers, start, equal = question["asked"], ours(folder, question), 0, 0
        begun = time.perf_counter()
        count = 0
        for one in asked:
            answer = answers[start : start + one["rows"]]
            start += one["rows"]
            equal += same(answer, engine.walk(one["up"], [one["seed"]], question["depth"], one["at"]), [one["seed"]])
            count += 1
            # Said in the table: not all were compared.
            if time.perf_counter() - begun > given.limit:
                break
        return {"compared": count, "equal": equal == count, "equal_count": equal}
    return None


def median(times):
    return statistics.median(times) if times else None


def show(seconds):
    if seconds is None:
        return "-"
    return f"{seconds * 1e3:.2f} ms" if seconds < 1 else f"{seconds:.2f} s"


def main():
    given = arguments()
    with open(f"{given.folder}/ours.json", encoding="utf-8") as file:
        report = json.load(file)
    report["engines"] = {}
    for kind in (DuckDb, Igraph, Postgres):
        engine = kind(given.folder, (given.postgres, given.port), report["versions"])
        report["engines"][engine.name] = {"load_s": engine.load}
        for question in report["questions"]:
            answer = ask(engine, given.folder, question, given)
            if answer:
                question.setdefault("peers", {})[engine.name] = answer
        del engine
        gc.collect()
    if given.json:
        for question in report["questions"]:
            for key in ("seeds", "asked"):
                question.pop(key, None)
        print(json.dumps(report, indent=1))
        return
    print(f"versions {report['versions']}; open {show(report['open_s'])}, first answer {show(report['first_answer_s'])}, "
          f"resident {report['resident_bytes'] / 1e6:.0f} MB (peak {report['peak_bytes'] / 1e6:.0f} MB); "
          f"1000 new edges visible {show(median(report['fresh']['visible_s']))}")
    names = list(report["engines"])
    loads = "  ".join(f"{n} load {show(report['engines'][n]['load_s'])}" for n in names)
    print(loads)
    print(f"{'question':18}{'rows':>10}{'Lineward':>12}{'all columns':>13}{'cold':>11}{'bare':>11}{'DataFusion':>12}"
          + "".join(f"{n:>13}" for n in names) + "  equal")
    for q in report["questions"]:
        peers = q.get("peers", {})
        time_of = q.get("p50") or median(q.get("times"))
        cells = [show(median(peers.get(n, {}).get("times"))) for n in names]
        equal = [n for n in names if peers.get(n, {}).get("equal")]
        wrong = [n for n in names if peers.get(n, {}).get("equal") is False]
        if q.get("equal_bare") is False:
            wrong.append("bare")
        if "equal_recursive" in q:
            (equal if q["equal_recursive"] else wrong).append("DataFusion")
        extra = f" p99 {show(q['p99'])}" if "p99" in q else ""
        extra += "".join(f" {n} {peers[n]['equal_count']}/{peers[n]['compared']}" for n in names
                         if "compared" in peers.get(n, {}))
        extra += f" bare {q['equal_bare']}/1000" if q["name"] == "random" else ""
        print(f"{q['name']:18}{q.get('rows', ''):>10}{show(time_of):>12}{show(median(q.get('all_columns'))):>13}"
              f"{show(q.get('cold')):>11}{show(median(q.get('bare'))):>11}"
              f"{show(median(q.get('recursive'))):>12}" + "".join(f"{c:>13}" for c in cells)
              + "  " + (", ".join(equal) or "-") + (f"  DIFFERENT: {', '.join(wrong)}" if wrong else "") + extra)


if __name__ == "__main__":
    main()
