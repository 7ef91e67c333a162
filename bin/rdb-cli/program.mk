# SPDX-License-Identifier: Apache-2.0
# The shell is a client: it needs no engine, only the base rooms, TLS and line editing.
LINK_rdb-cli := base
LIBS_rdb-cli := -ledit -lssl -lcrypto -lm -ldl -lpthread
