"""Cards of models, and the archive that they are fetched from."""

import hashlib
import io
import tarfile

WEIGHTS = {"net.json": b"a topology", "net.bin": bytes(range(256))}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def archive(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return packed.getvalue()


ARCHIVE = archive({"package.json": b'{"name": "@our/nets", "version": "1.0.0"}', **WEIGHTS})


def openpose(name: str, file: str = "", *, default: bool = True) -> str:
    """A card; without a file, of a model without weights."""
    return (
        f'name = "{name}"\ntitle = "A network"\nlicence = "MIT"\nfamily = "openpose"\n'
        f"input_size = 368\naccurate_sizes = [368]\ndefault = {str(default).lower()}\n"
        + (f'[[files]]\nfile = "{file}"\n' if file else "")
    )


def pypi_card(archive_sha256: str = sha256(ARCHIVE), **hashes: str) -> str:
    """The card of ``from-pypi``, the default."""
    file = "net.bin"
    return (
        f"{openpose('from-pypi', file)}bytes = 2500000\n"
        f'sha256 = "{hashes.get("file", sha256(WEIGHTS[file]))}"\n'
        f'member = "package/{hashes.get("member", file)}"\n'
        '[source]\nregistry = "pypi"\nproject = "nets"\narchive = "nets-1.0.0.tar.gz"\n'
        f'archive_bytes = 144000000\narchive_sha256 = "{archive_sha256}"\n'
    )


def npm_card(*, default: bool = True) -> str:
    """The card of ``from-npm``."""
    files = "".join(
        f'[[files]]\nfile = "{file}"\nsha256 = "{sha256(data)}"\nmember = "package/{file}"\n'
        for file, data in WEIGHTS.items()
    )
    card = openpose("from-npm", default=default).replace('"openpose"', '"movenet"')
    return (
        f'{card}{files}[source]\nregistry = "npm"\nproject = "@our/nets"\nversion = "1.0.0"\n'
        f'archive = "our-nets-1.0.0.tgz"\narchive_sha256 = "{sha256(ARCHIVE)}"\n'
    )
