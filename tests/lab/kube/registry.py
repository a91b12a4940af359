#!/usr/bin/env python3
"""Hands out the lab's container images (what images.py made) as a registry does, and the files of the RKE2 simulator.

registry.py FOLDER ADDRESS: reads only, and listens at this address of the lab's network, port 5000.
"""
import http.server
import json
import os
import re
import sys

FOLDER, ADDRESS = sys.argv[1:]
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(body=True)

    def do_HEAD(self):
        self.answer(body=False)

    def answer(self, body):
        if self.path == "/v2/":
            return self.send(200, [("Content-Type", "application/json")], b"{}" if body else b"", 2)
        found = (self.manifest() or self.under(r"/v2/[a-z0-9/.-]+/blobs/sha256:([0-9a-f]{64})", "registry/blobs")
                 or self.under(r"/rke2/([a-z0-9.-]+)", "rke2"))
        if not found:
            text = json.dumps({"errors": [{"code": "NOT_FOUND", "message": self.path}]}).encode()
            return self.send(404, [("Content-Type", "application/json")], text if body else b"", len(text))
        path, headers = found
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            self.send(200, headers, b"", size)
            while body and (part := file.read(1 << 20)):
                self.wfile.write(part)

    def manifest(self):
        match = re.fullmatch(r"/v2/([a-z0-9/-]+)/manifests/([a-zA-Z0-9_.:-]+)", self.path)
        if not match:
            return None
        name, reference = match.groups()
        path = (f"{FOLDER}/registry/blobs/{reference[7:]}" if reference.startswith("sha256:")
                else f"{FOLDER}/registry/manifests/{name}/{reference}")
        return (path, [("Content-Type", MANIFEST)]) if os.path.isfile(path) else None

    def under(self, pattern, folder):
        match = re.fullmatch(pattern, self.path)
        path = f"{FOLDER}/{folder}/{match.group(1)}" if match else ""
        return (path, [("Content-Type", "application/octet-stream")]) if os.path.isfile(path) else None

    def send(self, status, headers, text, size):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        """Says nothing of each request."""


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


Server((ADDRESS, 5000), Handler).serve_forever()
