# SPDX-License-Identifier: Apache-2.0
# Reads PostgreSQL's postgres.bki and prints one line for each built-in type, for this room's tests:
# TYPE_ROW(oid, name, typlen, typtype, typcategory, typdelim, element of a true array or 0, array type)
/^create pg_type / { inside = 1 }
/^close pg_type/ { inside = 0 }
inside && /^insert / {
    typlen = $7 == "NAMEDATALEN" ? 64 : $7 == "SIZEOF_POINTER" ? 8 : $7
    delimiter = $13 ~ /^'.'$/ ? substr($13, 2, 1) : substr($13, 1, 1)
    printf "TYPE_ROW(%d, \"%s\", %d, '%s', '%s', '%s', %d, %d)\n", $3, $4, typlen, $9, $10, delimiter, $15 == 6179 ? $16 : 0, $17
}
