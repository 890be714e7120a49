"""A child process run one system call at a time, so that a test can end it, or fill the disk, at any of them (Linux)."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import signal
import sys
from collections.abc import Callable

import pytest

TRACEME, SYSCALL, PEEKUSER, POKEUSER = 0, 24, 3, 6
RAX, ORIG_RAX = 10 * 8, 15 * 8  # offsets of the registers in the user area, x86-64
FILES = {1: "write", 20: "writev", 74: "fsync", 73: "flock", 82: "rename", 87: "unlink", 257: "openat", 263: "unlinkat", 264: "renameat", 316: "renameat2"}

needs_tracing = pytest.mark.skipif(sys.platform != "linux" or platform.machine() != "x86_64", reason="traces system calls of Linux on x86-64")


def _ptrace(request: int, pid: int, address: int = 0, data: int = 0) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.restype, libc.ptrace.argtypes = ctypes.c_long, [ctypes.c_long] * 4
    return int(libc.ptrace(request, pid, address, data))


def _child(work: Callable[[], object]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        if _ptrace(TRACEME, 0) != 0:
            os._exit(99)
        os.kill(os.getpid(), signal.SIGSTOP)
        work()
        os._exit(0)
    except BaseException as error:
        os._exit(7 if hasattr(error, "faults") else 8)


def run_until(work: Callable[[], object], stop: int, full: bool = False) -> int | None:
    """Run `work` in a child and end it at system call boundary number `stop`, or (`full`) let its call number `stop` on a file fail.

    Gives the child's exit code, None when it was ended: 0 done, 7 a refusal in words, 8 another error.
    """
    pid = _child(work)
    _, status = os.waitpid(pid, 0)
    if os.WIFEXITED(status):
        pytest.skip("tracing is not permitted here")
    seen = 0
    entering = True
    while True:
        _ptrace(SYSCALL, pid)
        _, status = os.waitpid(pid, 0)
        if os.WIFEXITED(status):
            return os.WEXITSTATUS(status)
        call = _ptrace(PEEKUSER, pid, ORIG_RAX)
        counts = not full or (entering and call in FILES)
        seen += counts
        if counts and seen == stop + 1:
            if not full:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                return None
            _ptrace(POKEUSER, pid, ORIG_RAX, -1)  # no such call: nothing is done
            _ptrace(SYSCALL, pid)
            os.waitpid(pid, 0)
            _ptrace(POKEUSER, pid, RAX, -errno.ENOSPC)
            continue
        entering = not entering
