# SPDX-License-Identifier: Apache-2.0
# Reads PostgreSQL's postgres.bki and prints one line for each text or wire function of a type:
# TYPE_IO(kind, function, type); kind is input, output, receive or send. Pseudo-types and arrays share functions, so a
# function may come several times.
/^create pg_type / { inside = 1 }
/^close pg_type/ { inside = 0 }
inside && /^insert / && $9 != "p" {
    split("input output receive send", kinds, " ")
    for (k = 1; k <= 4; k++)
        if ($(17 + k) ~ /^[0-9]+$/)
            printf "TYPE_IO(%s, %d, %d)\n", kinds[k], $(17 + k), $3
}
