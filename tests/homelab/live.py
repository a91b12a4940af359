"""A real Prometheus and a real node exporter, on this machine's loopback, with the homelab's configuration, rules and
dashboards: `live.py REPOSITORY EXTRACTED PROMETHEUS NODE_EXPORTER WORK`. EXTRACTED is what `manifests.py extract` wrote."""
import json
import pathlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import yaml

from manifests import dashboard_queries

WAIT_SECONDS = 90


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def ask(port, path, **arguments):
    url = f"http://127.0.0.1:{port}/api/v1/{path}?{urllib.parse.urlencode(arguments)}"
    with urllib.request.urlopen(url, timeout=20) as answer:
        return json.load(answer)["data"]


def configure(extracted, work, exporter):
    """The homelab's configuration, its node exporter found here and everything that only a cluster has left out."""
    config = yaml.safe_load((extracted / "prometheus.yml").read_text())
    config["global"]["scrape_interval"] = config["global"]["evaluation_interval"] = "1s"
    config["rule_files"] = [str(extracted / "kubernetes.yml")]
    config.pop("alerting", None)
    job = next(j for j in config["scrape_configs"] if j["job_name"] == "node-exporter")
    job.pop("relabel_configs", None)
    job["static_configs"] = [{"targets": [f"127.0.0.1:{exporter}"], "labels": {"node": "here"}}]
    config["scrape_configs"] = [job]
    path = work / "live.yml"
    path.write_text(yaml.safe_dump(config))
    return path


def until(what, test):
    end = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            found = test()
        except OSError:
            found = None
        if found:
            return found
        if time.monotonic() > end:
            sys.exit(f"{what}: not after {WAIT_SECONDS} s")
        time.sleep(1)


def look(repository, port):
    until("the node exporter is scraped", lambda: ask(port, "query", query='up{job="node-exporter"} == 1')["result"])
    alerts = {r["name"] for g in ask(port, "rules")["groups"] for r in g["rules"] if r["type"] == "alerting"}
    missing = {"KubePodCrashLooping", "KubeNodeNotReady"} - alerts
    if missing:
        sys.exit(f"rules that are not loaded: {missing}")
    queries = [(f, p["title"], q) for f, p, q in dashboard_queries(repository) if p["datasource"] == "Prometheus"]
    for file, title, query in queries:
        for variable in ("$node", "$namespace"):
            query = query.replace(variable, "here")
        try:
            ask(port, "query", query=query)
        except urllib.error.HTTPError as error:
            sys.exit(f"{file}: {title}: {error.read().decode()}")
    # What the exporter tells must reach the panels that are about nodes.
    node = [(t, q.replace("$node", "here")) for f, t, q in queries if f == "node-dashboard.json"]
    basic = [(t, q) for t, q in node if any(m in q for m in ("node_cpu_seconds", "node_memory_MemTotal", "node_load1"))]
    if not basic:
        sys.exit("node-dashboard.json asks for neither processors, memory nor load")
    for title, query in basic:
        until(f"node-dashboard.json: {title}: data", lambda query=query: ask(port, "query", query=query)["result"])
    print(f"{len(queries)} queries answered, {len(basic)} of the node dashboard with data")


def main():
    repository, extracted, prometheus, exporter, work = (pathlib.Path(a) for a in sys.argv[1:])
    exporter_port, port = free_port(), free_port()
    config = configure(extracted, work, exporter_port)
    commands = [
        [exporter, f"--web.listen-address=127.0.0.1:{exporter_port}"],
        [prometheus, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}", f"--storage.tsdb.path={work / 'live'}"],
    ]
    log = (work / "live.log").open("w")
    started = [subprocess.Popen([str(w) for w in c], stdout=log, stderr=log) for c in commands]
    try:
        look(repository, port)
    except SystemExit:
        print((work / "live.log").read_text()[-3000:])
        raise
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait()


main()
