"""Fetches the super-servers to compare with: Debian packages, unpacked and not installed."""

import os
import re
import subprocess

PROGRAMS = {
    "xinetd": ("xinetd", "usr/sbin/xinetd"),
    "openbsd-inetd": ("openbsd-inetd", "usr/sbin/inetd"),
    "inetutils-inetd": ("inetutils-inetd", "usr/sbin/inetutils-inetd"),
    "tcpserver": ("ucspi-tcp", "usr/bin/tcpserver"),
}

ONLY_DEPENDS = [
    "--recurse",
    "--no-recommends",
    "--no-suggests",
    "--no-conflicts",
    "--no-breaks",
    "--no-replaces",
    "--no-enhances",
]


class Unavailable(Exception):
    pass


def output_of(*command, **options):
    try:
        done = subprocess.run(command, capture_output=True, text=True, **options)
    except OSError as error:
        raise Unavailable(f"{command[0]}: {error.strerror}") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise Unavailable(f"{command[0]}: {lines[-1]}")
    return done.stdout


def downloaded(package, cache):
    for name in sorted(os.listdir(cache), reverse=True):
        if name.startswith(package + "_") and name.endswith(".deb"):
            return os.path.join(cache, name)
    return None


def unpack(package, cache):
    """Unpacks beside the others of its cache, once, and returns the path of the archive."""
    archive = downloaded(package, cache)
    if not archive:
        output_of("apt-get", "download", package, cwd=cache, timeout=120)
        archive = downloaded(package, cache)
    if not archive:
        raise Unavailable(f"apt-get left no archive of {package}")
    done = archive + ".unpacked"
    if not os.path.exists(done):
        output_of("dpkg-deb", "-x", archive, os.path.join(cache, "root"))
        with open(done, "w", encoding="ascii"):
            pass
    return archive


def missing_libraries(program, env):
    return re.findall(r"(\S+) => not found", output_of("ldd", program, env={**os.environ, **env}))


def unpack_libraries(package, cache):
    tree = output_of("apt-cache", "depends", *ONLY_DEPENDS, package)
    for name in sorted(set(re.findall(r"^(lib\S+)$", tree, re.MULTILINE))):
        unpack(name, cache)


def library_environment(cache):
    root = os.path.join(cache, "root")
    folders = {
        folder
        for top in ("lib", "usr/lib")
        for folder, _, files in os.walk(os.path.join(root, top))
        if any(".so" in name for name in files)
    }
    return {"LD_LIBRARY_PATH": ":".join(sorted(folders))}


class Peer:
    def __init__(self, name, cache):
        package, path = PROGRAMS[name]
        archive = unpack(package, cache)
        self.program = os.path.join(cache, "root", path)
        self.env = {}
        if missing_libraries(self.program, self.env):
            unpack_libraries(package, cache)
            self.env = library_environment(cache)
        missing = missing_libraries(self.program, self.env)
        if missing:
            raise Unavailable(f"{name} needs {', '.join(missing)}")
        self.version = f"{package} {output_of('dpkg-deb', '-f', archive, 'Version').strip()}"


def fetch(names, cache):
    """Returns the peers by name, and why others are left out."""
    peers, notes = {}, []
    for name in names:
        try:
            os.makedirs(cache, exist_ok=True)
            peers[name] = Peer(name, cache)
        except (Unavailable, OSError, subprocess.TimeoutExpired) as error:
            notes.append(f"{name} left out: {error}")
    return peers, notes
