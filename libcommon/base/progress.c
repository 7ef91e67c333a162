/* SPDX-License-Identifier: Apache-2.0
 * The progress line. */
#include "base/rdb_progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define DRAW_EVERY_US 200000

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void rdb_progress_begin(rdb_progress *progress, const char *what, uint64_t total, bool in_bytes)
{
    *progress = (rdb_progress){.what = what, .total = total, .in_bytes = in_bytes};
    progress->on_terminal = isatty(STDERR_FILENO) == 1;
    progress->started_us = progress->drawn_us = now_us();
}

static void draw(const rdb_progress *progress)
{
    double scale = progress->in_bytes ? 1.0 / (1 << 20) : 1.0;
    double seconds = (double)(progress->drawn_us - progress->started_us) / 1e6;
    const char *unit = progress->in_bytes ? " MiB" : "";
    fprintf(stderr, "\r%s: %.0f%s", progress->what, (double)progress->done * scale, unit);
    if (progress->total > 0)
        fprintf(stderr, " of %.0f%s (%.0f %%)", (double)progress->total * scale, unit,
                100.0 * (double)progress->done / (double)progress->total);
    if (seconds > 0)
        fprintf(stderr, ", %.0f%s/s", (double)progress->done * scale / seconds, unit);
    /* Once a part of it is done that says something about the rest. */
    if (seconds >= 1 && progress->done > 0 && progress->done < progress->total) {
        long left = (long)(seconds * (double)(progress->total - progress->done) / (double)progress->done + 0.5);
        fprintf(stderr, ", %ld:%02ld:%02ld left", left / 3600, left / 60 % 60, left % 60);
    }
    fputs("\033[K", stderr);
    fflush(stderr);
}

void rdb_progress_add(rdb_progress *progress, uint64_t more)
{
    progress->done += more;
    if (!progress->on_terminal)
        return;
    int64_t now = now_us();
    if (now - progress->drawn_us < DRAW_EVERY_US)
        return;
    progress->drawn_us = now;
    draw(progress);
}

void rdb_progress_end(rdb_progress *progress)
{
    if (progress->on_terminal)
        fputs("\r\033[K", stderr);
    progress->on_terminal = false;
}
