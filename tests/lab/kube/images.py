#!/usr/bin/env python3
"""Makes the container images of the lab's clusters out of files: a folder that registry.py hands out.

Kubernetes' own programs are the real ones; etcd, iptables, HAProxy, Alertmanager and the node exporter are Debian's; what
can't be had is the stand-in (src/stand-in) under the name of what it stands in for. Each image is one layer.
"""
import argparse
import hashlib
import io
import json
import os
import re
import subprocess
import tarfile

IMAGE = "application/vnd.docker.container.image.v1+json"
# As a file's attribute: CAP_NET_BIND_SERVICE, permitted and effective. nginx in the ingress' image has it, too.
MAY_BIND = "\x01\0\0\x02\0\x04" + "\0" * 14
LAYER = "application/vnd.oci.image.layer.v1.tar"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
MADE = "2021-01-13T00:00:00Z"


class Files:
    """What goes into a layer: paths of the image and where their content comes from."""

    def __init__(self, tree):
        self.tree = tree
        self.entries = {}
        self.may_bind = set()
        self.text("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
        self.text("/etc/group", "root:x:0:\nnogroup:x:65534:\n")
        self.text("/etc/nsswitch.conf", "hosts: files dns\n")
        self.folder("/tmp")
        self.folder("/run")

    def text(self, path, content):
        self.entries[path] = content.encode()

    def folder(self, path):
        self.entries[path] = None

    def link(self, path, target):
        self.entries[path] = ("link", target)

    def program(self, path, source):
        self.entries[path] = ("file", source)

    def from_tree(self, *paths, to=None):
        """Programs of the Debian tree with the libraries that they load."""
        for path in paths:
            self.program(f"{to}/{os.path.basename(path)}" if to else path, self.real(path))
            listed = subprocess.run(["chroot", self.tree, "ldd", path], capture_output=True, text=True, check=False)
            for library in re.findall(r"(/\S+\.so\S*)", listed.stdout):
                self.program(library, self.real(library))

    def real(self, path):
        inside = subprocess.run(["chroot", self.tree, "readlink", "-f", path], capture_output=True, text=True, check=True)
        return self.tree + inside.stdout.strip()

    def busybox(self, program):
        self.program("/bin/busybox", program)
        for name in subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout.split():
            if name != "busybox":
                self.link(f"/bin/{name}", "busybox")

    def layer(self):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
            made = set()
            for path, content in sorted(self.entries.items()):
                self.add_folders(tar, made, os.path.dirname(path) if content is not None else path)
                if content is None:
                    continue
                info = tarfile.TarInfo(path.lstrip("/"))
                if isinstance(content, tuple) and content[0] == "link":
                    info.type, info.linkname = tarfile.SYMTYPE, content[1]
                    tar.addfile(info)
                    continue
                info.mode = 0o644 if isinstance(content, bytes) else 0o755
                if path in self.may_bind:
                    info.pax_headers["SCHILY.xattr.security.capability"] = MAY_BIND
                if isinstance(content, tuple):
                    with open(content[1], "rb") as file:
                        content = file.read()
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
        return out.getvalue()

    @staticmethod
    def add_folders(tar, made, path):
        parts = path.strip("/").split("/") if path.strip("/") else []
        for depth in range(1, len(parts) + 1):
            folder = "/".join(parts[:depth])
            if folder in made:
                continue
            made.add(folder)
            info = tarfile.TarInfo(folder)
            info.type, info.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(info)


class Registry:
    def __init__(self, out):
        self.out = out
        os.makedirs(f"{out}/blobs", exist_ok=True)

    def blob(self, data):
        name = hashlib.sha256(data).hexdigest()
        with open(f"{self.out}/blobs/{name}", "wb") as file:
            file.write(data)
        return f"sha256:{name}"

    def image(self, name, tag, files, entrypoint=None, command=None, environment=None):
        layer = files.layer()
        digest = self.blob(layer)
        config = {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"] + (environment or []),
                  "WorkingDir": "/"}
        if entrypoint:
            config["Entrypoint"] = entrypoint
        if command:
            config["Cmd"] = command
        about = json.dumps({"architecture": "amd64", "os": "linux", "created": MADE, "config": config,
                            "rootfs": {"type": "layers", "diff_ids": [digest]},
                            "history": [{"created": MADE, "created_by": "images.py"}]}).encode()
        manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST,
                               "config": {"mediaType": IMAGE, "size": len(about), "digest": self.blob(about)},
                               "layers": [{"mediaType": LAYER, "size": len(layer), "digest": digest}]}).encode()
        self.blob(manifest)
        os.makedirs(f"{self.out}/manifests/{name}", exist_ok=True)
        with open(f"{self.out}/manifests/{name}/{tag}", "wb") as file:
            file.write(manifest)
        print(f"{name}:{tag} {len(layer) >> 20} MiB")


def kubernetes(registry, new, programs, version):
    for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler"):
        files = new()
        files.program(f"/usr/local/bin/{name}", f"{programs}/{name}")
        registry.image(name, f"v{version}", files, command=[name])
    files = new()
    files.program("/pause", f"{programs}/pause")
    registry.image("pause", "3.2", files, entrypoint=["/pause"])
    files = new()
    files.from_tree("/usr/bin/etcd", "/usr/bin/etcdctl", to="/usr/local/bin")
    registry.image("etcd", "3.4.13-0", files)
    files = with_iptables(new(), programs)
    files.program("/usr/local/bin/kube-proxy", f"{programs}/kube-proxy")
    registry.image("kube-proxy", f"v{version}", files)
    files = new()
    files.program("/coredns", f"{programs}/coredns")
    registry.image("coredns", "1.7.0", files, entrypoint=["/coredns"])


def with_iptables(files, programs):
    files.busybox(f"{programs}/busybox")
    plugins = "/usr/lib/x86_64-linux-gnu/xtables"
    files.from_tree("/usr/sbin/xtables-nft-multi", "/usr/sbin/xtables-legacy-multi", "/usr/sbin/conntrack")
    files.from_tree(*(f"{plugins}/{name}" for name in sorted(os.listdir(files.tree + plugins)) if name.endswith(".so")))
    for family in ("iptables", "ip6tables"):
        for suffix in ("", "-save", "-restore"):
            files.link(f"/usr/sbin/{family}{suffix}", "xtables-nft-multi")
            files.link(f"/usr/sbin/{family}-nft{suffix}", "xtables-nft-multi")
            files.link(f"/usr/sbin/{family}-legacy{suffix}", "xtables-legacy-multi")
    return files


def applications(registry, new, programs, flannel):
    files = new()
    files.busybox(f"{programs}/busybox")
    registry.image("lab/busybox", "lab", files, command=["sh"])
    for name, program in (("alertmanager", "prometheus-alertmanager"), ("node-exporter", "prometheus-node-exporter")):
        files = new()
        files.from_tree(f"/usr/bin/{program}")
        if name == "alertmanager":
            templates = "/usr/share/prometheus/alertmanager"
            for template in sorted(os.listdir(files.tree + templates)):
                if template.endswith(".tmpl"):
                    files.program(f"{templates}/{template}", f"{files.tree}{templates}/{template}")
        registry.image(f"lab/{name}", "lab", files, entrypoint=[f"/usr/bin/{program}"])
    files = new()
    files.from_tree("/usr/sbin/haproxy")
    registry.image("lab/haproxy", "lab", files,
                   entrypoint=["/usr/sbin/haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"])
    files = with_iptables(new(), programs)
    files.program("/usr/local/bin/kubectl", f"{programs}/kubectl")
    files.program("/opt/bin/flanneld", f"{flannel}/flanneld")
    registry.image("lab/flannel", "lab", files)
    files = new()
    files.busybox(f"{programs}/busybox")
    files.program("/flannel", f"{flannel}/flannel")
    registry.image("lab/flannel-cni-plugin", "lab", files)
    # Debian's Prometheus is built without the discovery of Kubernetes, and refuses the homelab's configuration.
    for name, ports in (("prometheus", "9090"), ("grafana", "3000"), ("loki", "3100"), ("promtail", "9080"), ("kube-state-metrics", "8080,8081"),
                        ("jellyfin", "8096"), ("ingress-nginx", "80,443,10254"), ("jaeger", "16686,14269,4317,4318"),
                        ("opentelemetry-collector", "4317,4318,13133,8888,8889")):
        files = new()
        files.program("/stand-in", f"{programs}/stand-in")
        if name == "ingress-nginx":
            files.may_bind.add("/stand-in")
        registry.image(f"lab/{name}", "stand-in", files, entrypoint=["/stand-in"],
                       environment=[f"STAND_IN_FOR={name}", f"STAND_IN_PORTS={ports}"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("programs", "tree", "flannel", "version", "out"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    registry = Registry(options.out)

    def new():
        return Files(options.tree)

    kubernetes(registry, new, options.programs, options.version)
    applications(registry, new, options.programs, options.flannel)


main()
