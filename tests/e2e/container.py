# SPDX-License-Identifier: Apache-2.0
"""Container images in their archives: OCI layouts and docker save, made in memory."""

import gzip
import hashlib
import io
import json
import subprocess
import tarfile


def sha(data):
    return hashlib.sha256(data).hexdigest()


def tar(entries, form=tarfile.PAX_FORMAT):
    """entries: (path, content) with bytes for a file, None for a directory, ("l"|"h"|"p", target)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for path, content in entries:
            info = tarfile.TarInfo(path)
            if content is None:
                info.type = tarfile.DIRTYPE
            elif isinstance(content, tuple):
                kind, target = content
                info.type = {"l": tarfile.SYMTYPE, "h": tarfile.LNKTYPE, "p": tarfile.FIFOTYPE}[kind]
                info.linkname = target
            else:
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)
    return out.getvalue()


def zstd(data):
    return subprocess.run(["zstd", "-q", "-c"], input=data, capture_output=True, check=True).stdout


PACK = {"plain": lambda d: d, "gzip": lambda d: gzip.compress(d, mtime=0), "zstd": zstd}


class Image:
    """Blobs of an OCI image; changes are made before it is written."""

    def __init__(self, layers, pack="gzip", form=tarfile.PAX_FORMAT, tag="app:1", start=None):
        self.tars = [tar(layer, form) for layer in layers]
        self.layers = [PACK[pack](t) for t in self.tars]
        self.config = {"architecture": "amd64", "os": "linux",
                       "rootfs": {"type": "layers",
                                  "diff_ids": [f"sha256:{sha(t)}" for t in self.tars]}}  # fmt: skip
        if start is not None:
            self.config["config"] = start
        self.tag = tag
        self.blobs = {}

    def blob(self, data):
        data = data if isinstance(data, bytes) else json.dumps(data).encode()
        self.blobs[sha(data)] = data
        return {"mediaType": "application/x", "digest": f"sha256:{sha(data)}", "size": len(data)}

    def manifest(self):
        return {"schemaVersion": 2, "config": self.blob(self.config),
                "layers": [self.blob(layer) for layer in self.layers]}  # fmt: skip

    def entry(self):
        return {**self.blob(self.manifest()), "platform": {"os": "linux", "architecture": "amd64"},
                "annotations": {"org.opencontainers.image.ref.name": self.tag}}  # fmt: skip

    def files(self, index=None):
        index = index or {"schemaVersion": 2, "manifests": [self.entry()]}
        out = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": json.dumps(index).encode()}
        out.update((f"blobs/sha256/{name}", data) for name, data in self.blobs.items())
        return out

    def docker(self):
        config = json.dumps(self.config).encode()
        names = [f"{i}/layer.tar" for i in range(len(self.tars))]
        manifest = [{"Config": f"{sha(config)}.json", "RepoTags": [self.tag], "Layers": names}]
        return {"manifest.json": json.dumps(manifest).encode(), f"{sha(config)}.json": config,
                **dict(zip(names, self.tars))}  # fmt: skip


def put_directory(path, files):
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def put_tar(path, files):
    path.write_bytes(tar(list(files.items())))
    return path
