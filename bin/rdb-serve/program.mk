# SPDX-License-Identifier: Apache-2.0
LIBS_rdb-serve := -lwebsockets
