"""Fetches the super-servers to compare with: Debian packages, unpacked and not installed."""

import glob
import os
import re
import subprocess

PROGRAMS = {
    "xinetd": ("xinetd", "usr/sbin/xinetd"),
    "openbsd-inetd": ("openbsd-inetd", "usr/sbin/inetd"),
    "inetutils-inetd": ("inetutils-inetd", "usr/sbin/inetutils-inetd"),
    "tcpserver": ("ucspi-tcp", "usr/bin/tcpserver"),
}


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


def is_installed(package):
    query = ["dpkg-query", "-W", "-f", "${db:Status-Status}", package]
    return subprocess.run(query, capture_output=True, text=True).stdout == "installed"


def unpack_libraries(package, cache, seen):
    """Unpacks the libraries that @package depends on, and theirs, if they are not installed."""
    depends = output_of("apt-cache", "depends", "--important", package)
    for name in re.findall(r"Depends: (lib\S+)", depends):
        if name in seen or is_installed(name):
            continue
        seen.add(name)
        unpack(name, cache)
        unpack_libraries(name, cache, seen)


def library_environment(cache):
    root = os.path.join(cache, "root")
    patterns = ("lib", "lib/*-linux-*", "usr/lib", "usr/lib/*-linux-*")
    folders = [path for pattern in patterns for path in glob.glob(os.path.join(root, pattern))]
    return {"LD_LIBRARY_PATH": ":".join(folders)}


class Peer:
    def __init__(self, name, cache):
        package, path = PROGRAMS[name]
        archive = unpack(package, cache)
        self.program = os.path.join(cache, "root", path)
        self.env = {}
        if missing_libraries(self.program, self.env):
            unpack_libraries(package, cache, set())
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
