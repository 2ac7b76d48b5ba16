#!/usr/bin/python3 -SE
"""Stands for a client in tests of the lab: asks nobody, and reports made-up numbers.

The numbers have the shape of real ones: threads keep up at few connections and fall behind at
many. The port in the URL tells the server's model (fake/server.py). LAB_FAKE_CLIENT changes its
manners: "hang" (until SIGTERM), "die", "fail:N" (one request in ten fails at N connections)."""
import json
import os
import signal
import sys
import time

name = os.path.basename(sys.argv[0])
model = "async" if "async" in name else "sync"
if "--version" in sys.argv:
    print(name, "0.0-fake")
    sys.exit(0)


def option(long, default=None):
    return sys.argv[sys.argv.index(long) + 1] if long in sys.argv else default


def percentiles(p50):
    keys = {"min": .5, "p50": 1, "p75": 1.2, "p90": 1.5, "p99": 3, "p99.9": 6, "p99.99": 9,
            "max": 10, "mean": 1.1, "stdev": .4}
    values = {key: round(p50 * factor, 1) for key, factor in keys.items()}
    values["count"] = ok
    return values


manners = os.environ.get("LAB_FAKE_CLIENT", "")
if manners == "hang":
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    signal.sigwait([signal.SIGTERM])
    sys.exit(143)
if manners == "die":
    sys.exit("%s: out of descriptors" % name)

url = sys.argv[-1]
connections = int(option("--connections", "10"))
requests = option("--requests")
server = {"9": "sync", "10": "async"}.get(url.split(":")[2].split("/")[0], "url")
book = "monte-cristo" in url

peak = 2200 if book else 60000
rate = peak * connections / (connections + 1.0)
if server == "sync":
    rate *= 1.02 if connections <= 64 else 0.8 if connections <= 256 else 0.6
if model == "sync":
    rate *= 0.97 if connections <= 4 else 0.7
rate *= 0.97 + 0.06 * (os.getpid() % 10) / 10
elapsed = 0.5
delays = {"count": 0, "sum": 0.0, "max": 0.0}
if requests is not None:
    delays = {"count": int(requests), "sum": 30.2, "max": 2.93}
    elapsed = 30.4 if connections == 1 else 3.05
    rate = int(requests) / elapsed
total = int(rate * elapsed + 0.5)
failed = total // 10 if manners == "fail:%d" % connections and server == "async" else 0
ok = total - failed
p50 = 1e6 * connections / rate

time.sleep(0.002)
print(json.dumps({
    "schema": "cristo-client/1", "program": name, "version": "0.0-fake", "model": model,
    "plan": {"urls": [url], "connections": connections}, "started": "2026-01-01T00:00:00.000Z",
    "elapsed_s": elapsed, "interrupted": False,
    "requests": {"sent": total, "ok": ok, "failed": failed},
    "errors": {"connect": 0, "tls": 0, "timeout": 0, "reset": failed, "status": 0, "framing": 0,
               "content": 0},
    "statuses": {"200": ok}, "bytes": {"received": ok * 23000, "body": ok * 22900, "sent": ok * 80},
    "rate": {"requests_per_s": rate, "bytes_per_s": rate * 23000},
    "latency_us": percentiles(p50), "first_byte_us": percentiles(p50 * .8),
    "connect_us": percentiles(40), "histogram": {"latency_us": [[int(p50) + 1, ok]]},
    "delay_s": delays,
    "generator": {"cpu_user_s": .1, "cpu_system_s": .3, "cpu_us_per_request": 4e5 / total,
                  "threads": connections if model == "sync" else 1}}))
sys.exit(1 if failed else 0)
