# SPDX-License-Identifier: Apache-2.0
"""A server of ours and a PostgreSQL 15 for tests and measurements: both made in a directory, started, stopped. PostgreSQL's
programs come from the system or are unpacked into build/peer; no cluster of the system's is touched."""
import glob, json, os, pwd, random, shutil, socket, subprocess, sys, time

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BIN = os.environ.get("BIN_DIR", TOP + "/build/bin")
# For tests that compare plans, locks or counts: nothing is analysed but what a test analyses itself.
STEADY = "\n[optimizer]\nauto_analyze_interval_ms = 0\n"


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        sys.stderr.write(done.stderr)
    done.check_returncode()
    return done.stdout


def free_port():
    """Not one of those that the system gives to whoever connects somewhere (32768 and up): it would be gone when a server is started anew."""
    while True:
        port = random.randint(20000, 29999)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return str(port)
            except OSError:
                pass


def postgresql_bin():
    for candidate in ("/usr/lib/postgresql/15/bin", TOP + "/build/peer/usr/lib/postgresql/15/bin"):
        if os.path.exists(candidate + "/initdb") and os.path.exists(candidate + "/postgres"):
            return candidate
    peer = TOP + "/build/peer"
    os.makedirs(peer, exist_ok=True)
    run(["apt-get", "download", "-q", "postgresql-15"], cwd=peer)
    for package in glob.glob(peer + "/*.deb"):
        run(["dpkg", "-x", package, peer])
        os.unlink(package)
    return peer + "/usr/lib/postgresql/15/bin"


class RustyDB:
    name = "rustydb"
    database = "rustydb"

    def __init__(self, work, init=(), serve=(), configuration=""):
        """What an earlier one left in work is served as it is."""
        self.home = work + "/r"
        if not os.path.exists(self.home):
            run([BIN + "/rdb-init", "--home", self.home, *init])
            with open(self.home + "/conf/rustydb.toml", "a") as conf:
                conf.write(configuration)
        for _ in range(10):  # a free port may be another's by the time that it is asked for
            self.port = free_port()
            self.server = subprocess.Popen([BIN + "/rdb-serve", "--home", self.home, "--port", self.port, *serve], stdout=subprocess.PIPE, text=True)
            if self.server.stdout.readline() != "":
                break
            self.server.wait()
        else:
            raise RuntimeError(f"the server of {self.home} does not start")
        self.connect = ["-h", self.home + "/run/sockets", "-p", self.port, "-U", "admin"]

    def alive(self):
        return self.server.poll() is None

    def stop(self):
        self.server.terminate()
        self.server.wait(60)


class PostgreSQL:
    name = "postgresql"
    database = "postgres"

    def __init__(self, work, settings=()):
        self.home = work + "/p"
        self.port = free_port()
        self.bin = postgresql_bin()
        self.wrap = []
        is_new = not os.path.exists(self.home)
        os.makedirs(self.home, exist_ok=True)
        if os.geteuid() == 0:  # it refuses to run as root
            user = next(name for name in ("postgres", "nobody") if name in (entry.pw_name for entry in pwd.getpwall()))
            self.wrap = ["runuser", "-u", user, "--"]
            os.chmod(work, 0o755)
            shutil.chown(self.home, user)
            if subprocess.run(self.wrap + ["test", "-x", self.bin + "/postgres"], stderr=subprocess.DEVNULL).returncode != 0:
                unpacked = self.bin[:self.bin.index("/usr/lib/postgresql")]  # below a directory that is not for everybody
                shutil.copytree(unpacked, work + "/peer", symlinks=True, dirs_exist_ok=True)
                self.bin = work + "/peer" + self.bin[len(unpacked):]
        if is_new:
            run(self.wrap + [self.bin + "/initdb", "-D", self.home + "/data", "-U", "admin", "-A", "trust", "--no-sync", "-k", "-E", "UTF8", "--locale=C"],
                cwd=self.home)
        with open(self.home + "/data/postgresql.conf", "a") as conf:
            conf.write(f"port={self.port}\nunix_socket_directories='{self.home}'\nlisten_addresses=''\n" + "".join(line + "\n" for line in settings))
        run(self.wrap + [self.bin + "/pg_ctl", "-D", self.home + "/data", "-w", "-l", self.home + "/log", "start"], cwd=self.home)
        self.connect = ["-h", self.home, "-p", self.port, "-U", "admin"]

    def alive(self):
        return True

    def stop(self):
        run(self.wrap + [self.bin + "/pg_ctl", "-D", self.home + "/data", "-w", "-m", "fast", "stop"], cwd=self.home)


def cpu_seconds(side):
    """What the server has used so far: user and system time of its process, or of all of PostgreSQL's, ended ones included."""
    def times(pid):
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return sum(map(int, fields[11:15]))
    if isinstance(side, RustyDB):
        total = times(side.server.pid)
    else:
        with open(side.home + "/data/postmaster.pid") as file:
            postmaster = file.readline().strip()
        children = subprocess.run(["pgrep", "-P", postmaster], capture_output=True, text=True).stdout.split()
        total = 0
        for pid in [postmaster, *children]:
            try:
                total += times(pid)
            except OSError:
                pass
    return total / os.sysconf("SC_CLK_TCK")


class Session:
    """One psql that stays: what a statement takes has neither psql's nor the session's start in it."""

    def __init__(self, side):
        self.psql = subprocess.Popen(["psql", "-X", "-q", "-A", "-t", *side.connect, side.database], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, text=True)

    def run(self, text):
        """(milliseconds, lines)"""
        begin = time.monotonic()
        self.psql.stdin.write(text.rstrip().rstrip(";") + "\n;\n\\echo =-=-=\n")
        self.psql.stdin.flush()
        lines = []
        while (line := self.psql.stdout.readline()) != "=-=-=\n":
            if line == "":
                raise EOFError("psql has ended")
            lines.append(line.rstrip("\n"))
        return (time.monotonic() - begin) * 1000, lines

    def close(self):
        self.psql.stdin.close()
        self.psql.wait(30)


class DuckDB:
    """In memory, in a node process of its own; @duckdb/node-api comes from DUCKDB_NODE (a directory with node_modules), else npm
    installs it below build/peer/duckdb."""
    name = "duckdb"

    def __init__(self, threads=2):
        where = os.environ.get("DUCKDB_NODE", TOP + "/build/peer/duckdb")
        if not os.path.isdir(where + "/node_modules/@duckdb/node-api"):
            os.makedirs(where, exist_ok=True)
            run(["npm", "install", "--silent", "--prefix", where, "@duckdb/node-api"])
        self.node = subprocess.Popen(["node", TOP + "/tests/bench/duckdb.js"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                     env={**os.environ, "NODE_PATH": where + "/node_modules", "DUCKDB_THREADS": str(threads)})

    def run(self, text):
        """(milliseconds, rows of texts)"""
        self.node.stdin.write(json.dumps(text.strip().rstrip(";")) + "\n")
        self.node.stdin.flush()
        answer = json.loads(self.node.stdout.readline())
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["ms"], answer["rows"]

    def stop(self):
        self.node.stdin.close()
        self.node.wait(30)
