"""File systems that a test answers for, or lets hang."""

import ctypes
import os

import pytest

MNT_FORCE, MNT_DETACH = 1, 2
_libc = ctypes.CDLL(None, use_errno=True)


def folder(place, name):
    """A place to mount one, which every user can reach."""
    if not os.path.exists("/dev/fuse"):
        pytest.skip("the kernel has no FUSE")
    path = place / name
    path.mkdir()
    os.chmod(place, 0o755)
    return path


def mount(path):
    """The device on which the kernel asks."""
    device = os.open("/dev/fuse", os.O_RDWR)
    how = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other"
    if _libc.mount(b"none", os.fsencode(path), b"fuse", 0, how.encode()) != 0:
        os.close(device)
        pytest.skip("FUSE cannot be mounted here")
    return device


def unmount(path, flags=MNT_DETACH):
    _libc.umount2(os.fsencode(path), flags)
