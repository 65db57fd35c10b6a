"""Starts servers and reads what they use."""
import os, re, resource, signal, socket, subprocess, sys
from contextlib import contextmanager

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MOONCAST = os.path.join(ROOT, ".build/release/mooncast")
HOST = os.path.join(ROOT, ".build/release/HostServer")
SCRIPTS = os.path.join(ROOT, "Benchmarks/scripts")
TICK = os.sysconf("SC_CLK_TCK")


@contextmanager
def running(*command):
    """Starts a server, gives (process, port, its output so far as an iterator of lines), and ends it."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        lines = []
        for line in process.stdout:
            lines.append(line)
            found = re.search(r"listening url=https?://127.0.0.1:(\d+)", line)
            if found:
                break
        else:
            sys.exit(f"bench: {command[0]} did not start:\n{''.join(lines)}")
        yield process, int(found.group(1)), lines
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()


def mooncast(scripts, *options):
    return running(MOONCAST, "serve", os.path.join(SCRIPTS, scripts), "--port", "0", *options)


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def resident_bytes(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024


def get(port, path, method="GET", body=b""):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        data = b""
        while piece := connection.recv(65536):
            data += piece
        return data.split(b"\r\n\r\n", 1)[1]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def raise_limit():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
