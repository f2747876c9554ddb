"""How many OpenLineage events of 16 KiB a server takes by HTTP in a second, and how soon one is seen.

Usage: bench_http.py BINARY [--events N] [--together N] [--connections N] [--probes N]

Starts `BINARY serve` over a store of its own, sends run events whose output has a schema and column lineage of some 60
columns (16 KiB, each with a run and a version of its own), and tells events a second from the first byte sent to the last
answer: a request is answered once its events are in the store. Then, with nothing else going on and beside a steady load,
it sends single events and asks by SQL until the answer has them: from the request to the answer that shows the event.
Prints JSON. Needs nothing but Python.
"""

import argparse
import http.client
import json
import pathlib
import socket
import subprocess
import tempfile
import threading
import time
import uuid


def event(number):
    columns = [f"column_{number % 40}_{column:03}" for column in range(60)]
    source = {"namespace": "s3://bench", "name": f"raw/{number % 500}"}
    return {
        "eventType": "COMPLETE",
        "eventTime": f"2026-03-01T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}Z",
        "producer": "https://bench.example/producer",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": str(uuid.UUID(int=number))},
        "job": {"namespace": "bench", "name": f"job-{number % 500}"},
        "inputs": [source],
        "outputs": [
            {
                "namespace": "s3://bench",
                "name": f"mart/{number % 500}",
                "facets": {
                    "schema": {"fields": [{"name": name, "type": "STRING"} for name in columns]},
                    "columnLineage": {
                        "fields": {
                            name: {
                                "inputFields": [
                                    source
                                    | {
                                        "field": name,
                                        "transformations": [
                                            {"type": "DIRECT", "subtype": "IDENTITY", "description": "copied", "masking": False}
                                        ],
                                    }
                                ]
                            }
                            for name in columns
                        }
                    },
                },
            }
        ],
    }


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


class Server:
    def __init__(self, binary, folder):
        self.port = free_port()
        log = open(pathlib.Path(folder) / "log", "w")
        arguments = ["serve", "--store", f"{folder}/store", "--http", f"127.0.0.1:{self.port}"]
        arguments += ["--postgres", f"127.0.0.1:{free_port()}", "--flight", f"127.0.0.1:{free_port()}"]
        self.process = subprocess.Popen([binary, *arguments], stdout=log, stderr=log)

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)

    def wait(self):
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit("the server does not answer")


def post(connection, path, body):
    connection.request("POST", path, body, {"content-type": "application/json"})
    answer = connection.getresponse()
    return answer.status, answer.read()


def send_all(server, bodies, connections):
    todo, lock, failed = list(reversed(bodies)), threading.Lock(), []

    def work():
        connection = server.connect()
        while True:
            with lock:
                if not todo:
                    return
                body = todo.pop()
            status, said = post(connection, "/api/v1/lineage", body)
            while status == 503:
                time.sleep(0.02)
                status, said = post(connection, "/api/v1/lineage", body)
            if status != 201:
                failed.append((status, said[:200]))

    threads = [threading.Thread(target=work) for _ in range(connections)]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise SystemExit(f"{len(failed)} requests failed, the first with {failed[0]}")
    return time.monotonic() - start


def count(connection, query):
    status, said = post(connection, "/api/v1/sql", json.dumps({"query": query}))
    if status != 200:
        raise SystemExit(f"{status}: {said[:300]}")
    return json.loads(said)


def visible(server, first, probes):
    """Seconds from sending an event to an answer about lineage that has it."""
    connection, times = server.connect(), []
    for number in range(first, first + probes):
        own = event(number)
        own["outputs"][0]["name"] = f"probe/{number}"
        query = f"SELECT count(*) AS n FROM upstream('dataset:s3://bench/probe/{number}')"
        start = time.monotonic()
        status, said = post(connection, "/api/v1/lineage", json.dumps(own))
        while status == 503:
            status, said = post(connection, "/api/v1/lineage", json.dumps(own))
        while True:
            status, said = post(connection, "/api/v1/sql", json.dumps({"query": query}))
            if status == 200 and '"n":1' in said.decode().replace(" ", ""):
                break
            if time.monotonic() - start > 60:
                raise SystemExit(f"not seen within a minute: {status} {said[:300]}")
            time.sleep(0.002)
        times.append(time.monotonic() - start)
    times.sort()
    at = lambda share: round(times[min(len(times) - 1, int(share * len(times)))], 4)
    return {"p50_s": at(0.5), "p99_s": at(0.99), "most_s": round(times[-1], 4), "probes": probes}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--events", type=int, default=30_000)
    parser.add_argument("--together", type=int, default=50)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--probes", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(arguments.binary, folder)
        try:
            server.wait()
            step = arguments.together
            bodies = [
                json.dumps([event(number) for number in range(first, min(first + step, arguments.events))])
                for first in range(0, arguments.events, step)
            ]
            size = sum(map(len, bodies)) / arguments.events
            warm = len(bodies) // 10
            send_all(server, bodies[:warm], arguments.connections)
            took = send_all(server, bodies[warm:], arguments.connections)
            report = {
                "events": arguments.events - warm * step,
                "event_bytes": round(size),
                "together": step,
                "connections": arguments.connections,
                "events_per_s": round((arguments.events - warm * step) / took),
                "visible_alone": visible(server, 10_000_000, arguments.probes),
            }
            stop = threading.Event()

            def load():
                connection, number = server.connect(), 20_000_000
                while not stop.is_set():
                    post(connection, "/api/v1/lineage", json.dumps([event(number + i) for i in range(10)]))
                    number += 10
                    time.sleep(0.1)

            beside = threading.Thread(target=load)
            beside.start()
            report["visible_beside_100_events_per_s"] = visible(server, 30_000_000, arguments.probes)
            stop.set()
            beside.join()
            print(json.dumps(report, indent=1))
        finally:
            server.process.terminate()
            server.process.wait(60)


main()
