"""Asks a server over TLS with Python's clients, and prints how each fared as one JSON object.

Usage: tls_clients.py HTTP FLIGHT FOLDER CERTIFICATE TOKEN
FOLDER holds ca.pem; CERTIFICATE is the name of a certificate and its key there, or `-`; TOKEN is a token, or `-`.
"""

import http.client as http_client
import json
import pathlib
import ssl
import sys
import urllib.error
import urllib.request
import warnings

import adbc_driver_flightsql.dbapi as flight

warnings.simplefilter("ignore")
http, flight_address, folder, certificate, token = sys.argv[1:6]
folder = pathlib.Path(folder)
ca = folder / "ca.pem"


def pem(end):
    return (folder / f"{certificate}.{end}").read_text()


def with_flight():
    options = {"adbc.flight.sql.client_option.tls_root_certs": ca.read_text()}
    if certificate != "-":
        options["adbc.flight.sql.client_option.mtls_cert_chain"] = pem("pem")
        options["adbc.flight.sql.client_option.mtls_private_key"] = pem("key")
    if token != "-":
        options["adbc.flight.sql.authorization_header"] = f"Bearer {token}"
    port = flight_address.rsplit(":", 1)[1]
    with flight.connect(f"grpc+tls://localhost:{port}", db_kwargs=options) as c, c.cursor() as cursor:
        cursor.execute("SELECT count(*) > 0 FROM runs")
        return cursor.fetchone()[0]


def with_http(scheme, token):
    context = ssl.create_default_context(cafile=ca)
    if certificate != "-":
        context.load_cert_chain(folder / f"{certificate}.pem", folder / f"{certificate}.key")
    headers = {} if token == "-" else {"Authorization": f"Bearer {token}"}
    port = http.rsplit(":", 1)[1]
    request = urllib.request.Request(f"{scheme}://localhost:{port}/api/v1/namespaces", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60, context=context) as answer:
            return answer.status
    except urllib.error.HTTPError as e:
        return e.code
    except (OSError, http_client.HTTPException):
        return False


print(
    json.dumps(
        {
            "flight": with_flight(),
            "http": with_http("https", token),
            "http_without_token": with_http("https", "-"),
            "http_in_clear": with_http("http", token),
        }
    )
)
