# SPDX-License-Identifier: Apache-2.0
"""Container images: layers and whiteouts against a model, and archives that lie."""

import io
import os
import random
import subprocess
import tarfile

import pytest
from container import Image, put_directory, put_tar, sha, tar


@pytest.fixture(scope="session")
def dump(build):
    tool = build / "tests" / "tools" / "image_dump"

    def run(path, *words):
        done = subprocess.run([tool, path, *words], capture_output=True, timeout=60,
                              env={"LC_ALL": "C", **{k: v for k, v in os.environ.items() if "SAN" in k}})  # fmt: skip
        assert done.returncode in (0, 1), done.stderr.decode()
        return done

    return run


def listed(done):
    assert done.returncode == 0, done.stderr.decode()
    return {path: (kind, value) for kind, value, path in
            (line.split(" ", 2) for line in done.stdout.decode().splitlines())}  # fmt: skip


BASE = [("etc/", None), ("etc/a", b"a"), ("etc/b", b"b"), ("lib", ("l", "usr/lib")), ("usr/lib/", None),
        ("usr/lib/x.so", b"x"), ("p", ("p", "")), ("hard", ("h", "etc/a")), ("deep/er/c", b"c")]  # fmt: skip
TOP = [("etc/.wh.a", b""), ("etc/b", b"B"), ("lib/y.so", b"y"), ("deep/.wh..wh..opq", b""),
       ("deep/new", b"n"), ("./dot", b"."), ("/r/abs", b"abs"), ("ünï/ç", "é".encode())]  # fmt: skip
WANT = {
    "/etc": ("d", "-"), "/etc/b": ("f", sha(b"B")), "/lib": ("l", "usr/lib"), "/usr": ("d", "-"),
    "/usr/lib": ("d", "-"), "/usr/lib/x.so": ("f", sha(b"x")), "/usr/lib/y.so": ("f", sha(b"y")),
    "/p": ("o", "-"), "/hard": ("f", sha(b"a")), "/deep": ("d", "-"), "/deep/new": ("f", sha(b"n")),
    "/dot": ("f", sha(b".")), "/r": ("d", "-"), "/r/abs": ("f", sha(b"abs")),
    "/ünï": ("d", "-"), "/ünï/ç": ("f", sha("é".encode())),
}  # fmt: skip


@pytest.mark.parametrize("form", (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT), ids=("pax", "gnu"))
@pytest.mark.parametrize("pack", ("plain", "gzip", "zstd"))
def test_layers_and_whiteouts(dump, tmp_path, pack, form):
    image = Image([BASE, TOP], pack, form)
    assert listed(dump(put_directory(tmp_path / "layout", image.files()))) == WANT
    assert listed(dump(put_tar(tmp_path / "layout.tar", image.files()))) == WANT


def test_docker_save(dump, tmp_path):
    files = Image([BASE, TOP]).docker()
    assert listed(dump(put_tar(tmp_path / "save.tar", files))) == WANT
    # the same layer twice is a link in older archives
    twice = Image([BASE, TOP, TOP]).docker()
    twice["2/layer.tar"] = ("l", "../1/layer.tar")
    assert listed(dump(put_tar(tmp_path / "link.tar", twice))) == WANT


def test_an_image_is_chosen(dump, tmp_path):
    one, two = Image([BASE], tag="one"), Image([[("two", b"2")]], tag="two")
    arm = dict(two.entry(), platform={"os": "linux", "architecture": "arm64"})
    index = {"manifests": [one.entry(), two.entry()]}
    two.blobs.update(one.blobs)
    path = put_directory(tmp_path / "both", two.files(index))
    done = dump(path)
    assert done.returncode == 1 and b"2 images" in done.stderr
    assert listed(dump(path, "two")) == {"/two": ("f", sha(b"2"))}
    assert dump(path, "three").returncode == 1
    path = put_directory(tmp_path / "arm", two.files({"manifests": [one.entry(), arm]}))
    assert "/etc/a" in listed(dump(path))
    nested = two.blob({"manifests": [one.entry(), arm]})
    path = put_directory(tmp_path / "nested", two.files({"manifests": [nested]}))
    assert "/etc/a" in listed(dump(path))


def test_a_file_is_read_again(dump, tmp_path):
    path = put_directory(tmp_path / "layout", Image([BASE, TOP]).files())
    for name, want in (("/etc/b", b"B"), ("lib/x.so", b"x"), ("hard", b"a")):
        assert dump(path, "", name).stdout == want


def model(layers):
    """Paths after all layers, without links: an own reading of the specification."""
    tree = {}
    for layer in layers:
        for path, _ in layer:
            head, _, name = path.rstrip("/").rpartition("/")
            if name == ".wh..wh..opq":
                gone = [p for p in tree if p.startswith(head + "/" if head else "")]
            elif name.startswith(".wh."):
                victim = f"{head}/{name[4:]}" if head else name[4:]
                gone = [p for p in tree if p == victim or p.startswith(victim + "/")]
            else:
                continue
            for p in gone:
                del tree[p]
        for path, content in layer:
            path, name = path.rstrip("/"), path.rstrip("/").rpartition("/")[2]
            if name.startswith(".wh."):
                continue
            parts = path.split("/")
            for i in range(1, len(parts)):
                above = "/".join(parts[:i])
                if tree.get(above, b"") is not None:
                    tree[above] = None
            if content is None and tree.get(path, b"") is None:
                continue
            for p in [p for p in tree if p == path or p.startswith(path + "/")]:
                del tree[p]
            tree[path] = content
    return {f"/{p}": ("d", "-") if c is None else ("f", sha(c)) for p, c in tree.items()}


def random_layer(rng):
    names = [rng.choice("abc") + rng.choice(("", "x")) for _ in range(30)]
    layer = []
    for _ in range(rng.randrange(1, 14)):
        path = "/".join(rng.sample(names, rng.randrange(1, 4)))
        what = rng.random()
        head, _, name = path.rpartition("/")
        if what < 0.15:
            layer.append((f"{head}/.wh.{name}".lstrip("/"), b""))
        elif what < 0.22:
            layer.append((f"{head}/.wh..wh..opq".lstrip("/"), b""))
        elif what < 0.4:
            layer.append((path + "/", None))
        else:
            layer.append((path, rng.randbytes(rng.randrange(3))))
    # The order of whiteouts and entries in a layer does not matter: they are about lower layers.
    return layer


def test_random_layers_against_a_model(dump, tmp_path):
    rng = random.Random(4)
    for number in range(60):
        layers = [random_layer(rng) for _ in range(rng.randrange(1, 5))]
        path = put_tar(tmp_path / f"{number}.tar", Image(layers, "plain").docker())
        assert listed(dump(path)) == model(layers), layers


# ---- what lies --------------------------------------------------------------------------------


def refused(done, *texts):
    assert done.returncode == 1 and done.stdout == b"", done
    for text in texts:
        assert text in done.stderr.decode(), done.stderr.decode()


def flip(image, layer):
    image.layers[layer] = image.layers[layer][:-1] + bytes([image.layers[layer][-1] ^ 1])


def test_digests_are_checked(dump, tmp_path):
    image = Image([BASE, TOP], "plain")
    files = image.files()
    for i, name in enumerate(sorted(n for n in files if n.startswith("blobs/"))):
        changed = dict(files)
        changed[name] = changed[name][:-1] + bytes([changed[name][-1] ^ 1])
        refused(dump(put_directory(tmp_path / f"blob{i}", changed)), "digest")
    image = Image([BASE, TOP])
    image.config["rootfs"]["diff_ids"].reverse()
    refused(dump(put_directory(tmp_path / "ids", image.files())), "diff id")
    image = Image([BASE, TOP])
    image.config["rootfs"]["diff_ids"].pop()
    refused(dump(put_directory(tmp_path / "fewer", image.files())), "diff_ids")
    files = Image([BASE]).docker()
    files["0/layer.tar"] = tar(TOP)
    refused(dump(put_tar(tmp_path / "save.tar", files)), "diff id")


@pytest.mark.parametrize("entries, text", (
    ([("../x", b"")], '".."'),
    ([("a/../../x", b"")], '".."'),
    ([("n" * 300, b"")], "255"),
    ([("a", ("h", "nowhere"))], "link to nothing"),
    ([(f"f{i}", b"") for i in range(1001)], "more than 1000"),
))  # fmt: skip
def test_entries_that_lie(dump, tmp_path, entries, text):
    refused(dump(put_tar(tmp_path / "i.tar", Image([entries]).docker())), text)


def test_bombs(dump, tmp_path):
    zeros = [("z", bytes(40 << 20))]
    refused(dump(put_directory(tmp_path / "ratio", Image([zeros], "gzip").files())), "times its size")
    big = [("z", bytes(33 << 20))]
    refused(dump(put_tar(tmp_path / "bytes.tar", Image([big, big], "plain").docker())), "more than")


def sparse(name, real, parts, data):
    """A file with holes, as GNU tar 1.0 writes it in the pax format."""
    info = tarfile.TarInfo("GNUSparseFile.0/" + name)
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": name,
                        "GNU.sparse.realsize": str(real)}  # fmt: skip
    numbers = [len(parts), *(n for part in parts for n in part)]
    table = "".join(f"{n}\n" for n in numbers).encode()
    content = table.ljust((len(table) + 511) // 512 * 512, b"\0") + data
    info.size = len(content)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


@pytest.mark.parametrize("real, parts, data", (
    (1 << 40, [], b""), (1 << 40, [(0, 0)], b""), (1 << 40, [((1 << 40) - 3, 3)], b"end"),
    (1 << 40, [(0, 5)], b"begin"), (20, [(3, 2), (10, 1)], b"abc"),
), ids=("empty", "nothing", "end", "begin", "small"))  # fmt: skip
def test_files_with_holes_are_refused_by_name(dump, tmp_path, real, parts, data):
    """A hole costs its writer nothing and its reader all of its length."""
    image = Image([[]], "plain")
    image.tars = image.layers = [sparse("holes", real, parts, data)]
    image.config["rootfs"]["diff_ids"] = [f"sha256:{sha(image.tars[0])}"]
    refused(dump(put_directory(tmp_path / "layout", image.files())), "holes: ")


def test_links_that_lead_round_or_out(dump, tmp_path):
    layer = [("a", ("l", "b")), ("b", ("l", "a")), ("up", ("l", "../../../etc")), ("etc/x", b"x"),
             ("abs", ("l", "/etc")), ("a2/", None), ("up/y", b"y")]  # fmt: skip
    found = listed(dump(put_tar(tmp_path / "i.tar", Image([layer]).docker())))
    assert found["/etc/y"] == ("f", sha(b"y")), "a link that leaves ends at the image's root"
    assert found["/a"] == ("l", "b")


def test_links_do_not_lead_to_endless_depth(build, tmp_path):
    """Each path is short; through the links before it, it is deep."""
    layer, below = [], "d/" * 700
    for number in range(7):
        layer += [("x/" * number + below, None), ("x/" * number + "x", ("l", below))]
    for parts, text in ((8, "is no file"), (14, "deep")):
        path = put_tar(tmp_path / f"{parts}.tar", Image([layer[:parts]]).docker())
        done = subprocess.run([build / "tests" / "tools" / "image_measure", path, "/", "none", "none",
                               tmp_path / "out"], capture_output=True, timeout=60, check=False)  # fmt: skip
        refused(done, text)


def test_archives_that_are_none(dump, tmp_path):
    whole = put_tar(tmp_path / "whole.tar", Image([BASE]).docker()).read_bytes()
    path = tmp_path / "cut.tar"
    for length in range(0, len(whole), 997):
        path.write_bytes(whole[:length])
        dump(path)  # no crash; most are refused
    path.write_bytes(b"nothing of the kind" * 100)
    refused(dump(path))
    os.mkfifo(tmp_path / "fifo")
    refused(dump(tmp_path / "fifo"), "neither")
    refused(dump(tmp_path / "absent"), "No such file")
    (tmp_path / "empty").mkdir()
    refused(dump(tmp_path / "empty"), "manifest.json")
    evil = put_directory(tmp_path / "evil", Image([BASE]).docker())
    (evil / "manifest.json").write_text('[{"Config":"../../etc/passwd","Layers":[]}]')
    refused(dump(evil), "leaves")
