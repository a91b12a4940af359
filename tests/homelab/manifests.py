"""What the manifests, dashboards and rules must be like. `manifests.py extract DIR` writes what promtool reads; `manifests.py
check REPOSITORY [RENDERED...]` prints a line for each check, and ends with 1 if one failed. RENDERED are files that
`kubectl kustomize` made."""
import json
import pathlib
import re
import sys

import kubernetes_validate
import yaml

VERSION = "1.29"
WORKLOADS = {"Deployment", "DaemonSet", "StatefulSet", "Job"}
# Kinds that belong to no namespace.
CLUSTER_WIDE = {"Namespace", "ClusterRole", "ClusterRoleBinding", "PersistentVolume", "StorageClass", "IngressClass"}


class Checks:
    def __init__(self):
        self.failed = 0

    def check(self, name, problems):
        problems = list(problems)
        print(f"{'FAIL' if problems else 'ok'}: {name}")
        for problem in problems:
            print(f"    {problem}")
        self.failed += bool(problems)


def documents(path):
    return [d for d in yaml.safe_load_all(path.read_text()) if d]


def name_of(document):
    return f"{document['kind']}/{document['metadata']['name']}"


def containers(document):
    spec = document["spec"]["template"]["spec"]
    return spec.get("initContainers", []) + spec["containers"]


def prometheus_config_maps(repository):
    maps = documents(repository / "manifests/monitoring/prometheus.yaml")
    return {d["metadata"]["name"]: d["data"] for d in maps if d["kind"] == "ConfigMap"}


def dashboard_queries(repository):
    for path in sorted((repository / "ansible/files/grafana_dashboards").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                yield path.name, panel, target["expr"]


def extract(repository, folder):
    folder.mkdir(parents=True, exist_ok=True)
    maps = prometheus_config_maps(repository)
    # Debian's promtool is built without discovery by Kubernetes; `discovery` below checks that part.
    config = yaml.safe_load(maps["prometheus-config"]["prometheus.yml"])
    for job in config["scrape_configs"]:
        if job.pop("kubernetes_sd_configs", None):
            job["static_configs"] = [{"targets": ["localhost:9090"]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    (folder / "kubernetes.yml").write_text(maps["prometheus-rules"]["kubernetes.yml"])
    # promtool parses queries of rules, so each dashboard's query becomes one.
    rules = [
        {"record": f"query:{n}", "expr": re.sub(r"\$(node|namespace)", "x", expression)}
        for n, (_, panel, expression) in enumerate(dashboard_queries(repository))
        if panel["datasource"] == "Prometheus"
    ]
    (folder / "queries.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules}]}))


def validate(document):
    try:
        kubernetes_validate.validate(document, VERSION, strict=True)
    except kubernetes_validate.ValidationError as error:
        yield f"{name_of(document)}: {'.'.join(str(p) for p in error.path)}: {error.message}"


def limits(document):
    if document["kind"] not in WORKLOADS:
        return
    for container in containers(document):
        for kind in ("requests", "limits"):
            for what in ("cpu", "memory"):
                if what not in container.get("resources", {}).get(kind, {}):
                    yield f"{name_of(document)}: {container['name']} has no {kind} of {what}"


def canonical(value, where):
    """kubectl calls an object `configured` at each apply if a quantity is not written as the API writes it."""
    if isinstance(value, dict):
        for key, below in value.items():
            if key in ("cpu", "memory", "storage") and isinstance(below, str):
                if re.fullmatch(r"\d+000m", below) or re.fullmatch(r"\d*\.\d+.*", below):
                    yield f"{where}: {key}: {below} is not canonical"
                if re.fullmatch(r"(1024|2048|4096)[KMG]i", below):
                    yield f"{where}: {key}: {below} is not canonical"
            yield from canonical(below, where)
    elif isinstance(value, list):
        for below in value:
            yield from canonical(below, where)


def least_privilege(document):
    if document["kind"] not in ("ClusterRole", "Role"):
        return
    for rule in document.get("rules", []):
        for part in ("verbs", "resources", "apiGroups"):
            if "*" in rule.get(part, []):
                yield f"{name_of(document)}: all {part}"
        if document["metadata"]["name"] in ("prometheus", "promtail", "kube-state-metrics"):
            if set(rule["verbs"]) - {"get", "list", "watch"}:
                yield f"{name_of(document)}: writes: {rule['verbs']}"
            if "secrets" in rule.get("resources", []):
                yield f"{name_of(document)}: reads secrets"


def images(document, tags):
    if document["kind"] not in WORKLOADS:
        return
    for container in containers(document):
        name, _, tag = container["image"].rpartition(":")
        if tags.get(name) != tag:
            yield f"{name_of(document)}: {name} is {tag}, and {tags.get(name)} in versions.yml"


def claims(all_documents):
    """Each claim that a pod names exists, each claim has its volume, each volume a folder of labelled nodes."""
    have = {(d["metadata"]["namespace"], d["metadata"]["name"]): d for d in all_documents if d["kind"] == "PersistentVolumeClaim"}
    volumes = {d["metadata"]["name"]: d for d in all_documents if d["kind"] == "PersistentVolume"}
    for document in all_documents:
        if document["kind"] in WORKLOADS:
            for volume in document["spec"]["template"]["spec"].get("volumes", []):
                claim = volume.get("persistentVolumeClaim", {}).get("claimName")
                if claim and (document["metadata"]["namespace"], claim) not in have:
                    yield f"{name_of(document)}: no claim {claim}"
    for (_, claim), document in have.items():
        volume = volumes.get(document["spec"]["selector"]["matchLabels"]["vmstation.io/volume"])
        if not volume:
            yield f"{claim}: no volume"
        elif volume["spec"]["capacity"]["storage"] != document["spec"]["resources"]["requests"]["storage"]:
            yield f"{claim}: another size than its volume"


def config_maps(all_documents, generated):
    """What a pod mounts or reads is there."""
    have = {(d["metadata"]["namespace"], d["metadata"]["name"]) for d in all_documents if d["kind"] == "ConfigMap"} | generated
    for document in all_documents:
        if document["kind"] in WORKLOADS:
            for volume in document["spec"]["template"]["spec"].get("volumes", []):
                name = volume.get("configMap", {}).get("name")
                if name and (document["metadata"]["namespace"], name) not in have:
                    yield f"{name_of(document)}: no ConfigMap {name}"


def services(all_documents):
    """Each service finds pods, each ingress a service, each policy a pod."""
    labels = [(d["metadata"]["namespace"], d["spec"]["template"]["metadata"]["labels"]) for d in all_documents if d["kind"] in WORKLOADS]
    ports = {
        (d["metadata"]["namespace"], d["metadata"]["name"]): {p["name"] for p in d["spec"]["ports"]}
        for d in all_documents
        if d["kind"] == "Service"
    }

    def found(namespace, wanted):
        return any(n == namespace and wanted.items() <= have.items() for n, have in labels)

    for document in all_documents:
        namespace = document["metadata"].get("namespace")
        if document["kind"] == "Service" and not found(namespace, document["spec"]["selector"]):
            yield f"{name_of(document)}: selects no pod"
        if document["kind"] == "NetworkPolicy" and not found(namespace, document["spec"]["podSelector"].get("matchLabels", {})):
            yield f"{name_of(document)}: selects no pod"
        if document["kind"] == "Ingress":
            for rule in document["spec"]["rules"]:
                for path in rule["http"]["paths"]:
                    service = path["backend"]["service"]
                    if service["port"]["name"] not in ports.get((namespace, service["name"]), ()):
                        yield f"{name_of(document)}: no service {service['name']} with port {service['port']['name']}"


def versions(repository):
    text = (repository / "inventory/group_vars/all/versions.yml").read_text()
    values = yaml.safe_load(text)
    tags = {n: str(t).replace("{{ flannel_version }}", values["flannel_version"]) for n, t in values["image_tags"].items()}
    return values, tags


def specification(repository):
    """The alerts, jobs and datasources that the specification writes out."""
    maps = prometheus_config_maps(repository)
    rules = {
        r["alert"]: r for g in yaml.safe_load(maps["prometheus-rules"]["kubernetes.yml"])["groups"] for r in g["rules"]
    }
    wanted = {
        "KubePodCrashLooping": ("rate(kube_pod_container_status_restarts_total[10m]) > 0", "1m", "warning"),
        "KubeNodeNotReady": ('kube_node_status_condition{condition="Ready",status="true"} == 0', "5m", "critical"),
    }
    for name, (expression, time, severity) in wanted.items():
        rule = rules.get(name, {})
        if (rule.get("expr"), rule.get("for"), rule.get("labels", {}).get("severity")) != (expression, time, severity):
            yield f"{name} is not what the specification says"
    jobs = {j["job_name"] for j in yaml.safe_load(maps["prometheus-config"]["prometheus.yml"])["scrape_configs"]}
    for job in ("kubernetes-apiservers", "kubernetes-nodes"):
        if job not in jobs:
            yield f"no job {job}"
    values, _ = versions(repository)
    for name, version in (("kubernetes_version", "1.29.15"), ("flannel_version", "0.27.4"), ("containerd_version", "1.7.28-1")):
        if str(values[name]) != version:
            yield f"{name} is {values[name]}"


def discovery(repository):
    """The part of the scrape configuration that Debian's promtool knows nothing of."""
    roles = {"endpoints", "endpointslice", "ingress", "node", "pod", "service"}
    config = yaml.safe_load(prometheus_config_maps(repository)["prometheus-config"]["prometheus.yml"])
    found = 0
    for job in config["scrape_configs"]:
        for discovered in job.get("kubernetes_sd_configs", []):
            found += 1
            if discovered.get("role") not in roles or set(discovered) - {"role", "namespaces", "selectors"}:
                yield f"{job['job_name']}: {discovered}"
            if set(discovered.get("namespaces", {})) - {"names", "own_namespace"}:
                yield f"{job['job_name']}: {discovered['namespaces']}"
    if found < 5:
        yield f"only {found} jobs find their targets by themselves"


def datasources(repository):
    file = (repository / "ansible/files/grafana_datasources/prometheus-datasource.yaml").read_text()
    for document in documents(repository / "manifests/monitoring/grafana.yaml"):
        if name_of(document) == "ConfigMap/grafana-datasources" and document["data"]["prometheus-datasource.yaml"] != file:
            yield "grafana.yaml has another prometheus-datasource.yaml than ansible/files"
    urls = {d["name"]: d["url"] for d in yaml.safe_load(file)["datasources"]}
    if urls != {"Prometheus": "http://prometheus:9090", "Loki": "http://loki:3100"}:
        yield f"datasources are {urls}"


def dashboards(repository):
    seen = set()
    for path in sorted((repository / "ansible/files/grafana_dashboards").glob("*.json")):
        board = json.loads(path.read_text())
        if board["uid"] in seen:
            yield f"{path.name}: uid {board['uid']} twice"
        seen.add(board["uid"])
        ids = [p["id"] for p in board["panels"]]
        if len(ids) != len(set(ids)):
            yield f"{path.name}: two panels with one id"
        known = {v["name"] for v in board["templating"]["list"]}
        for panel in board["panels"]:
            if panel["datasource"] not in ("Prometheus", "Loki"):
                yield f"{path.name}: {panel['title']}: datasource {panel['datasource']}"
            for target in panel["targets"]:
                for variable in re.findall(r"\$([a-z]+)", target["expr"]):
                    if variable not in known:
                        yield f"{path.name}: {panel['title']}: no variable {variable}"
    wanted = {"node", "prometheus", "loki", "cluster-overview"}
    have = {p.name.removesuffix("-dashboard.json") for p in (repository / "ansible/files/grafana_dashboards").glob("*.json")}
    yield from (f"no dashboard {w}" for w in sorted(wanted - have))


def check(repository, rendered):
    checks = Checks()
    _, tags = versions(repository)
    paths = sorted((repository / "manifests").rglob("*.yaml"))
    everything = []
    for path in paths:
        found = documents(path)
        if path.name != "servicemonitor.yaml":  # not a kind of Kubernetes itself
            checks.check(f"{path.relative_to(repository)} is valid for {VERSION}", (p for d in found for p in validate(d)))
            everything += found
    each = lambda test, *more: (p for d in everything for p in test(d, *more))
    checks.check("every container has requests and limits", each(limits))
    checks.check("quantities are canonical", (p for d in everything for p in canonical(d, name_of(d))))
    checks.check("roles give no more than is needed", each(least_privilege))
    checks.check("images are those of versions.yml", each(images, tags))
    checks.check(
        "everything says its namespace",
        (name_of(d) for d in everything if d["kind"] not in CLUSTER_WIDE and "namespace" not in d["metadata"]),
    )
    checks.check("no secrets in manifests", (name_of(d) for d in everything if d["kind"] == "Secret"))
    checks.check("claims and volumes fit", claims(everything))
    checks.check("ConfigMaps that are mounted are there", config_maps(everything, {("monitoring", "grafana-dashboards")}))
    checks.check("services, ingresses and policies find what they are for", services(everything))
    checks.check("alerts, jobs and versions are the specification's", specification(repository))
    checks.check("targets are found by Kubernetes' own discovery", discovery(repository))
    checks.check("datasources are the specification's", datasources(repository))
    checks.check("dashboards are whole", dashboards(repository))
    for path in rendered:
        checks.check(f"rendered {path.parent.name}/{path.name} is valid for {VERSION}", (p for d in documents(path) for p in validate(d)))
    return 1 if checks.failed else 0


if __name__ == "__main__":
    command, root, *rest = sys.argv[1:]
    if command == "extract":
        extract(pathlib.Path(root), pathlib.Path(rest[0]))
    else:
        sys.exit(check(pathlib.Path(root), [pathlib.Path(r) for r in rest]))
