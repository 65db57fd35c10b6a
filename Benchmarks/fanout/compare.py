"""Broadcasts to many event streams: Mooncast, nchan (a module of nginx) and a C program that does nothing but send.

Started by scripts/bench-fanout. The three run interleaved, in turns, and medians are printed. A figure of CPU time is
the one to compare: it survives a noisy machine; times do not. On loopback a server's CPU time holds the receive half
of TCP too, for all alike. ssebench.c generates the load, and checks every event at every subscriber.

The exit code is 1 when a run lost, doubled, reordered or damaged an event.
"""
import argparse, glob, json, os, resource, shlex, shutil, signal, socket, statistics, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
MOONCAST = os.path.join(ROOT, ".build/release/mooncast")
LOAD = ["ssebench", "subscriber", "publisher", "message", "server", "histogram"]


def parse_options():
    parser = argparse.ArgumentParser(
        prog="bench-fanout", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1000:300,10000:60", help="SUBSCRIBERS:MESSAGES,... (%(default)s)")
    parser.add_argument("--windows", default="1,16", help="messages under way at once (%(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="turns; take 9 for figures to quote (%(default)s)")
    parser.add_argument("--bytes", type=int, default=100, help="of a message (%(default)s)")
    parser.add_argument("--stalled", type=int, default=0, help="more subscribers, which never read (%(default)s)")
    parser.add_argument("--memory", type=int, default=15000, help="idle streams, 0 to leave it out (%(default)s)")
    parser.add_argument("--request-bytes", type=int, default=800, help="of a request (%(default)s)")
    parser.add_argument("--only", default="mooncast,nchan,limit", help="(%(default)s)")
    parser.add_argument(
        "--server", default=f"{shlex.quote(MOONCAST)} serve {{scripts}} --port {{port}} --log-level warning",
        help="the command for mooncast")
    parser.add_argument("--json", metavar="FILE", help="writes every single run there")
    return parser.parse_args()


class Target:
    """A server that runs; `pids` are its processes."""

    def __init__(self, name, command, port, directory):
        self.name, self.port = name, port
        log = os.path.join(directory, f"{name}.log")
        with open(log, "w") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
        deadline = time.monotonic() + 10
        while not self.is_listening():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                sys.exit(f"bench-fanout: {name} did not start:\n{open(log).read()[-2000:]}")
            time.sleep(0.05)
        time.sleep(0.5)  # its other processes
        self.pids = ",".join(map(str, family(self.process.pid)))

    def is_listening(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 0.2).close()
            return True
        except OSError:
            return False

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def family(pid):
    """A process and its descendants."""
    parents = {}
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            parents[int(path.split("/")[2])] = int(open(path).read().rsplit(")", 1)[1].split()[1])
        except OSError:
            pass  # it ended meanwhile
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def cpu_ticks():
    """The machine's ticks of all processors, and how many of them were idle."""
    ticks = [int(field) for field in open("/proc/stat").readline().split()[1:9]]
    return sum(ticks), ticks[3] + ticks[4]


class Comparison:
    def __init__(self, options, directory):
        self.options, self.directory = options, directory
        self.rows = []
        self.bench = self.build("ssebench", LOAD)

    def build(self, name, sources):
        binary = os.path.join(self.directory, name)
        subprocess.run(
            ["gcc", "-O2", "-o", binary, *(os.path.join(HERE, f"{source}.c") for source in sources)], check=True)
        return binary

    def launch(self, name):
        """Starts a server; None where it is not installed."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if name == "limit":
            command = [self.build("limit", ["limit"]), str(port)]
        elif name == "nchan":
            command = self.nchan_command(port)
        elif name == "mooncast":
            command = shlex.split(self.options.server.format(scripts=shlex.quote(f"{HERE}/scripts"), port=port))
        else:
            sys.exit(f"bench-fanout: unknown server '{name}' (known: mooncast, nchan, limit)")
        return command and Target(name, command, port, self.directory)

    def nchan_command(self, port):
        places = ["/usr/lib/nginx/modules", "/usr/lib/*/nginx/modules"]
        modules = [path for place in places for path in glob.glob(f"{place}/ngx_nchan_module.so")]
        nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        if not nginx or not modules:
            print("nchan is not installed (apt-get install nginx libnginx-mod-nchan): left out\n", flush=True)
            return None
        text = open(os.path.join(HERE, "nchan.conf.in")).read()
        for key, value in {"MODULES": os.path.dirname(modules[0]), "DIR": self.directory, "PORT": str(port)}.items():
            text = text.replace(f"@{key}@", value)
        config = os.path.join(self.directory, "nginx.conf")
        with open(config, "w") as file:
            file.write(text)
        return [nginx, "-c", config]

    def measure(self, target, *arguments):
        """One run. `others` is the share of the machine that neither the server nor the load used."""
        command = [self.bench, "-p", target.port, "-S", target.pids, "-g", self.options.request_bytes, *arguments]
        (total, idle), own = cpu_ticks(), os.times()
        result = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300)
        (total_after, idle_after), own_after = cpu_ticks(), os.times()
        try:
            row = json.loads(result.stdout)
        except ValueError:
            sys.exit(f"bench-fanout: {target.name}: {result.stderr.strip()} {result.stdout.strip()}")
        second = os.sysconf("SC_CLK_TCK")
        busy = (total_after - total - (idle_after - idle)) / second
        known = own_after.children_user + own_after.children_system - own.children_user - own.children_system
        known += row["server_cpu_us_per_delivery"] * row["n"] * row["messages"] / 1e6
        known += row["server_cpu_us_per_connect"] * row["n"] / 1e6
        row["others"] = max(0.0, busy - known) * second / max(total_after - total, 1)
        row["server"] = target.name
        self.rows.append(row)
        return row

    def deliveries(self):
        targets = []
        try:
            for name in self.options.only.split(","):
                if target := self.launch(name):
                    targets.append(target)
            for size in self.options.sizes.split(","):
                for window in self.options.windows.split(","):
                    self.compare(targets, *map(int, size.split(":")), int(window))
        finally:
            for target in targets:
                target.stop()

    def compare(self, targets, subscribers, messages, window):
        rows = {target.name: [] for target in targets}
        for _ in range(self.options.runs):
            for target in targets:
                rows[target.name].append(self.measure(
                    target, "-n", subscribers, "-m", messages, "-s", self.options.bytes, "-W", window, "-K", window,
                    "-z", self.options.stalled, "-i", 0.2))
        print(f"{subscribers:,} subscribers, {window} under way (medians of {self.options.runs})")
        print(f"{'':10}{'CPU/delivery':>13}{'x limit':>9}{'x nchan':>9}{'deliveries/s':>14}{'last one after':>16}")
        cpu = {name: median(runs, "server_cpu_us_per_delivery") for name, runs in rows.items()}
        for name, runs in rows.items():
            ratios = "".join(f"{ratio(cpu[name], cpu.get(other)):>9}" for other in ("limit", "nchan"))
            remarks = [] if all(row["ok"] for row in runs) else ["EVENTS LOST OR DAMAGED"]
            if noisy := sum(row["others"] > 0.1 for row in runs):
                remarks.append(f"{noisy} noisy")
            print(f"{name:10}{cpu[name]:>10.2f} us{ratios}{median(runs, 'deliveries_per_s'):>14,.0f}"
                  f"{median(runs, 'last_p50_us') / 1000:>13.2f} ms  {', '.join(remarks)}")
        print(flush=True)

    def memory(self):
        """On servers that have just started: what an earlier load has left behind would be used again."""
        count = self.options.memory
        found = {}
        for name in self.options.only.split(","):
            # The limit is none for memory: it keeps a buffer of 8 KiB per connection.
            target = self.launch(name) if name != "limit" else None
            if target:
                try:
                    found[name] = self.measure(target, "-P", "-", "-n", count, "-r", 5000)["rss_bytes_per_connection"]
                finally:
                    target.stop()
        print(f"{count:,} idle streams, opened by requests of {self.options.request_bytes} bytes")
        print(f"{'':10}{'memory/stream':>13}{'x nchan':>9}")
        for name, size in found.items():
            print(f"{name:10}{size:>11,.0f} B{ratio(size, found.get('nchan')):>9}")
        print(flush=True)


def median(rows, key):
    return statistics.median(row[key] for row in rows)


def ratio(value, other):
    return f"{value / other:.2f}" if other else "-"


def check_file_limit(options):
    subscribers = [int(size.split(":")[0]) for size in options.sizes.split(",")]
    wanted = max(options.memory, max(subscribers) + options.stalled) + 100
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if allowed != resource.RLIM_INFINITY and wanted > allowed:
        sys.exit(f"bench-fanout: needs {wanted} open files, and `ulimit -Hn` is {allowed}: lower --sizes and --memory")


def main():
    options = parse_options()
    check_file_limit(options)
    with tempfile.TemporaryDirectory(prefix="fanout-") as directory:
        comparison = Comparison(options, directory)
        comparison.deliveries()
        if options.memory:
            comparison.memory()
    if options.json:
        with open(options.json, "w") as file:
            json.dump(comparison.rows, file, indent=1)
    sys.exit(0 if all(row["ok"] for row in comparison.rows) else 1)


main()
