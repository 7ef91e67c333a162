# SPDX-License-Identifier: Apache-2.0
# Reads PostgreSQL's postgres.bki and prints one line for each built-in function in language internal (OID 12):
# TYPE_PROC(source, oid). Functions that share a source share a kernel.
/^create pg_proc / { inside = 1 }
/^close pg_proc/ { inside = 0 }
inside && /^insert / && $7 == 12 { printf "TYPE_PROC(\"%s\", %d)\n", $(NF - 5), $3 }
