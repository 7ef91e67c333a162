# SPDX-License-Identifier: Apache-2.0
# A client of the server, with the shell's client side; and the engine's own reader of files for --verify.
OBJECTS_rdb-vacuum := $(BUILD)/obj/bin/rdb-cli/client.o $(BUILD)/obj/bin/rdb-cli/connect.o
