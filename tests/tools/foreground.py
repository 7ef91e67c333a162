# SPDX-License-Identifier: Apache-2.0
"""What others meet while a long command runs: pgbench at a fixed rate, its latencies counted from when a transaction was due, so that stalls count."""
import glob, os, random, signal, subprocess

from servers import run


def psql(side, *commands):
    return run(["psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", *side.connect, side.database, *(part for c in commands for part in ("-c", c))])


class Foreground:
    def __init__(self, side, work, script, rate, seconds):
        self.prefix = os.path.join(work, f"latency{random.randrange(1 << 30)}")
        with open(self.prefix + ".sql", "w") as file:
            file.write(script)
        pace = ["-R", str(rate)] if rate else []
        self.process = subprocess.Popen(["pgbench", "-n", "-c", "4", "-j", "2", *pace, "-T", str(seconds), "-l", "--log-prefix", self.prefix, "-f", self.prefix + ".sql",
                                         *side.connect, side.database], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        return self.latencies()

    def latencies(self):
        self.process.wait()
        lines = [line for name in glob.glob(self.prefix + ".*") if not name.endswith(".sql") for line in open(name)]
        fields = [line.split() for line in lines if line.endswith("\n")]  # an interrupted one may write half a line
        if not fields:
            return {}
        all_us = sorted(int(field[2]) for field in fields)
        ends = [int(field[4]) + int(field[5]) / 1e6 for field in fields]
        seconds = max(max(ends) - min(ends), 0.001)
        return {"transactions": len(all_us), "per_s": round(len(all_us) / seconds), "p50_ms": all_us[len(all_us) // 2] / 1000, "p99_ms": all_us[len(all_us) * 99 // 100] / 1000,
                "max_ms": all_us[-1] / 1000}
