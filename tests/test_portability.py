"""What only one operating system has is used in one module, which has its twin beside it."""

import ast

import pytest

import rooms

PLATFORM = "livedeath.store.durable"
"""The module that may ask which system it is and use what only that one has."""

MODULES = {
    *("crypt", "fcntl", "grp", "nis", "posix", "pty", "pwd", "readline", "resource", "spwd"),
    *("syslog", "termios", "tty", "msvcrt", "nt", "winreg", "winsound", "_winapi"),
}
"""Modules of the standard library that Windows lacks, or that only Windows has."""

ATTRIBUTES = {
    "os": {
        *("chown", "chroot", "ctermid", "eventfd", "fchdir", "fchmod", "fchown", "fdatasync"),
        *("fork", "forkpty", "fpathconf", "getegid", "geteuid", "getgid", "getgroups"),
        *("getloadavg", "getpgid", "getpgrp", "getpriority", "getsid", "getuid", "kill", "killpg"),
        *("lchown", "lockf", "mkfifo", "mknod", "nice", "openpty", "pathconf", "pipe2", "posix"),
        *("posix_fadvise", "posix_fallocate", "posix_spawn", "pread", "pwrite", "register_at_fork"),
        *("sched_getaffinity", "sched_setaffinity", "sendfile", "setegid", "seteuid", "setgid"),
        *("setpgid", "setpgrp", "setpriority", "setregid", "setreuid", "setsid", "setuid"),
        *("startfile", "statvfs", "sync", "sysconf", "tcgetpgrp", "ttyname", "uname", "wait"),
        *("wait3", "wait4", "waitid", "waitpid", "WEXITSTATUS", "WIFEXITED", "WIFSIGNALED"),
        *("WTERMSIG", "WNOHANG", "getxattr", "setxattr", "listxattr"),
    },
    "select": {"epoll", "kevent", "kqueue", "poll"},
    "signal": {
        *("SIGALRM", "SIGCHLD", "SIGCONT", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGSTOP"),
        *("SIGTSTP", "SIGUSR1", "SIGUSR2", "alarm", "getitimer", "pause", "pthread_kill"),
        *("pthread_sigmask", "setitimer", "siginterrupt", "sigpending", "sigwait"),
        *("CTRL_C_EVENT", "CTRL_BREAK_EVENT"),
    },
    "socket": {"AF_UNIX", "SO_REUSEPORT"},
    "time": {"tzset", "clock_gettime", "clock_settime"},
    "asyncio": {"add_signal_handler"},
}
"""Names of portable modules that Windows lacks, or that only Windows has."""

STARTING = {"preexec_fn", "start_new_session", "process_group", "pass_fds", "creationflags"}
"""Arguments of subprocess that hold on one system only."""

PLACES = ("/dev/", "/proc/", "/sys/", "/tmp/", "/etc/")


def is_bound(module, name):
    return name in ATTRIBUTES.get(module, ()) or (module == "os" and name.startswith("O_"))


def bound_to_a_system(source):
    """Return what a source uses that not every system has."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                found |= {alias.name for alias in names if alias.name in MODULES}
            case ast.ImportFrom(module=module, names=names):
                found |= {module} & MODULES
                found |= {f"{module}.{a.name}" for a in names if is_bound(module, a.name)}
            case ast.Attribute(value=ast.Name(id=module), attr=name) if is_bound(module, name):
                found.add(f"{module}.{name}")
            case ast.keyword(arg=name) if name in STARTING:
                found.add(name)
            case ast.Constant(value=str(text)) if text.startswith(PLACES):
                found.add(text)
    return sorted(found)


@pytest.mark.parametrize("module", sorted(set(rooms.modules()) - {PLATFORM}))
def test_every_other_module_runs_on_every_system(module):
    assert bound_to_a_system(rooms.modules()[module].read_text(encoding="utf-8")) == []


def test_the_one_module_has_both_twins():
    found = bound_to_a_system(rooms.modules()[PLATFORM].read_text(encoding="utf-8"))
    assert found == ["fcntl", "msvcrt", "os.O_RDONLY"]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import fcntl", "fcntl"),
        ("def f():\n    from resource import getrusage", "resource"),
        ("import os\nos.kill(1, 9)", "os.kill"),
        ("from os import fork", "os.fork"),
        ("import os\nos.open('a', os.O_CREAT)", "os.O_CREAT"),
        ("import signal\nsignal.signal(signal.SIGALRM, f)", "signal.SIGALRM"),
        ("import select\nselect.poll()", "select.poll"),
        ("import subprocess\nsubprocess.Popen(['a'], start_new_session=True)", "start_new_session"),
        ("open('/dev/null')", "/dev/null"),
    ],
)
def test_what_one_system_lacks_is_found_out(source, found):
    assert bound_to_a_system(source) == [found]


def test_what_every_system_has_passes():
    source = (
        "import os, signal\nos.replace('a', 'b')\nsignal.signal(signal.SIGINT, f)\nos.dup2(1, 2)"
    )
    assert bound_to_a_system(source) == []
