#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Object mappers and migration tools, unchanged: the programs of examples/orm, each in a database of its own.
load ../e2e/helper
load peers
setup_file() {
    load ../e2e/helper
    make_home
    rdb-init --home "$HOME_DIR" --tune small >/dev/null
    start_server
    for database in sqlalchemy django sequelize knex typeorm drizzle; do sql "create database shop_$database"; done
    export HOME_DIR PORT SERVER_PID
}
teardown_file() {
    kill -KILL "$SERVER_PID" 2>/dev/null || true
    rm -rf "$(dirname "$HOME_DIR")"
}
node_shop() {
    need_npm $NPM_PEERS $NPM_ORMS
    run -0 timeout 120 node --no-deprecation "$TOP/examples/orm/shop_node.js" "$HOME_DIR/run/sockets" "$PORT" "shop_$1" unused "$1"
    echo "$output"
    [[ "$output" == *"$1: done" ]]
}

@test "orm: SQLAlchemy: mapped schema, relations, queries, upserts, reflection" {
    run -0 timeout 120 /usr/bin/python3 -W ignore "$TOP/examples/orm/sqlalchemy_shop.py" "postgresql+psycopg2://admin@/shop_sqlalchemy?host=$HOME_DIR/run/sockets&port=$PORT"
    [[ "$output" == *"sqlalchemy: done" ]]
}

@test "orm: Django: migrations, models, queries, inspectdb" {
    run -0 timeout 120 /usr/bin/python3 -W ignore "$TOP/examples/orm/django_shop.py" "$HOME_DIR/run/sockets" "$PORT" shop_django
    [[ "$output" == *"django: done" ]]
}

@test "orm: Sequelize: sync, models, relations, introspection" { node_shop sequelize; }

@test "orm: Knex: migrations, queries, streams" { node_shop knex; }

@test "orm: TypeORM: synchronised schema, repositories, query builder" { node_shop typeorm; }

@test "orm: Drizzle: migrations, relational queries, prepared statements" { node_shop drizzle; }
