/* SPDX-License-Identifier: Apache-2.0
 * The layers of the configuration, its mistakes, and that what it prints can be read again. */
#include "base/rdb_toml.h"
#include "instance/rdb_config.h"
#include "os/rdb_os.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static char home[64];

static void write_file(const char *name, const char *text)
{
    char path[200];
    rdb_error err = {0};
    snprintf(path, sizeof path, "%s/%s", home, name);
    assert_true(rdb_path_write_atomic(path, text, strlen(text), 0600, &err));
}

static int set_up(void **state)
{
    (void)state;
    rdb_error err = {0};
    char path[200];
    strcpy(home, "/tmp/rdb-test-config-XXXXXX");
    if (mkdtemp(home) == NULL)
        return 1;
    snprintf(path, sizeof path, "%s/conf", home);
    bool ok = rdb_path_make_directory(path, 0700, false, &err);
    snprintf(path, sizeof path, "%s/conf/overrides.d", home);
    ok = ok && rdb_path_make_directory(path, 0700, false, &err);
    write_file("conf/rustydb.toml", "");
    return !ok;
}

static int tear_down(void **state)
{
    (void)state;
    rdb_error err = {0};
    return !rdb_path_remove_tree(home, &err);
}

static rdb_config *load(void)
{
    rdb_config *config;
    rdb_error err = {0};
    if (!rdb_config_load(&config, home, NULL, NULL, 0, &err))
        fail_msg("%s", err.message);
    return config;
}

static void test_each_layer_stands_over_the_one_below(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_config *config = load();
    assert_int_equal(rdb_config_number(config, RDB_CONFIG_SERVER_LISTEN_PORT), 5432);
    assert_string_equal(rdb_config_origin(config, RDB_CONFIG_SERVER_LISTEN_PORT), "default");
    const rdb_list *classes = rdb_config_texts(config, RDB_CONFIG_SECURITY_AUDIT_LOG_STATEMENTS); /* blanks are no part of a word */
    assert_int_equal(classes->count, 3);
    assert_string_equal(rdb_list_get(classes, 1), "DCL");
    assert_int_equal(rdb_config_number(config, RDB_CONFIG_MEMORY_WORK_MEM), 4 << 20);
    assert_false(rdb_config_is_set(config, RDB_CONFIG_SERVER_LISTEN_PORT));
    rdb_config_destroy(&config);

    write_file("conf/rustydb.toml", "[server]\nlisten_port = 5001\nlisten_host = \"::1\"\n[server.ipc]\nenabled = false\n"
                                    "[memory]\nwork_mem = \"64MB\"\n[clustering]\nseeds = [\"a:1\", \"b:2\"]\n");
    config = load();
    assert_int_equal(rdb_config_number(config, RDB_CONFIG_SERVER_LISTEN_PORT), 5001);
    assert_non_null(strstr(rdb_config_origin(config, RDB_CONFIG_SERVER_LISTEN_PORT), "conf/rustydb.toml, line 2"));
    assert_false(rdb_config_switch(config, RDB_CONFIG_SERVER_IPC_ENABLED));
    assert_int_equal(rdb_config_number(config, RDB_CONFIG_MEMORY_WORK_MEM), 64 << 20);
    assert_int_equal(rdb_config_texts(config, RDB_CONFIG_CLUSTERING_SEEDS)->count, 2);
    rdb_config_destroy(&config);

    write_file("conf/overrides.d/10-a.toml", "server.listen_port = 5002\nstorage.fsync = false\n");
    write_file("conf/overrides.d/9-b.toml", "server.listen_port = 5003\n"); /* bytewise, so after 10-a */
    write_file("conf/overrides.d/ignored.bak", "server.listen_port = 5004\n");
    config = load();
    assert_int_equal(rdb_config_number(config, RDB_CONFIG_SERVER_LISTEN_PORT), 5003);
    assert_false(rdb_config_switch(config, RDB_CONFIG_STORAGE_FSYNC));
    assert_string_equal(rdb_config_text(config, RDB_CONFIG_SERVER_LISTEN_HOST), "::1");
    rdb_config_destroy(&config);

    setenv("RUSTYDB_PORT", "5005", 1);
    config = load();
    assert_int_equal(rdb_config_number(config, RDB_CONFIG_SERVER_LISTEN_PORT), 5005);
    rdb_config_destroy(&config);
    setenv("RUSTYDB_SERVER_LISTEN_PORT", "5006", 1);
    setenv("RUSTYDB_SERVER_IPC_NAME", "other", 1);
    config = load();
    assert_int_equal(rdb_config_number(config, RDB_CONFIG_SERVER_LISTEN_PORT), 5006);
    assert_string_equal(rdb_config_origin(config, RDB_CONFIG_SERVER_LISTEN_PORT), "environment RUSTYDB_SERVER_LISTEN_PORT");
    assert_string_equal(rdb_config_text(config, RDB_CONFIG_SERVER_IPC_NAME), "other");
    rdb_config_destroy(&config);

    rdb_config_flag flag = {RDB_CONFIG_SERVER_LISTEN_PORT, "--port", "5007"};
    assert_true(rdb_config_load(&config, home, NULL, &flag, 1, &err));
    assert_int_equal(rdb_config_number(config, RDB_CONFIG_SERVER_LISTEN_PORT), 5007);
    assert_string_equal(rdb_config_origin(config, RDB_CONFIG_SERVER_LISTEN_PORT), "--port");
    rdb_config_destroy(&config);
    unsetenv("RUSTYDB_PORT");
    unsetenv("RUSTYDB_SERVER_LISTEN_PORT");
    unsetenv("RUSTYDB_SERVER_IPC_NAME");
}

static void test_mistakes_name_place_range_and_suggestion(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message, *hint;
    } CASES[] = {
        {"\n[server]\nlisten_prot = 1\n", "line 3: unknown key \"server.listen_prot\"", "Did you mean \"server.listen_port\"?"},
        {"[sever]\nlisten_port = 5432\n", "unknown key \"sever.listen_port\"", "server.listen_port"},
        {"[server]\nlisten_port = 80\n", "line 2: invalid value for \"server.listen_port\": 80", "an integer from 1024 to 65535"},
        {"[server]\nlisten_port = \"5432\"\n", "invalid value for \"server.listen_port\": \"5432\"", "an integer"},
        {"[logging]\nlevel = \"inf\"\n", "invalid value for \"logging.level\": \"inf\"", "trace debug info warn error"},
        {"[storage]\nfsync = 1\n", "invalid value for \"storage.fsync\": 1", "true or false"},
        {"[storage]\npage_size = 5000\n", "invalid value for \"storage.page_size\": 5000", "4096 to 32768"},
        {"[memory]\nwork_mem = \"4 parsecs\"\n", "\"4 parsecs\"", "64MB"},
        {"[clustering]\nseeds = [1]\n", "an array", "array of texts"},
        {"[tls]\nrequire_client_cert = true\n", "needs \"tls.ca_path\"", ""},
        {"server = 1\n", "unknown key \"server\"", ""},
        {"[server\n", "line 1", ""},
    };
    for (size_t case_no = 0; case_no < RDB_COUNT_OF(CASES); case_no++) {
        rdb_error err = {0};
        rdb_config *config;
        write_file("conf/rustydb.toml", CASES[case_no].text);
        assert_false(rdb_config_load(&config, home, NULL, NULL, 0, &err));
        assert_null(config);
        assert_string_equal(err.sqlstate, "F0000");
        if (strstr(err.message, CASES[case_no].message) == NULL || strstr(err.hint, CASES[case_no].hint) == NULL)
            fail_msg("%s said: %s / %s", CASES[case_no].text, err.message, err.hint);
    }
    rdb_error err = {0};
    rdb_config *config;
    write_file("conf/rustydb.toml", "");
    setenv("RUSTYDB_LOGGING_LEVEL", "loud", 1);
    assert_false(rdb_config_load(&config, home, NULL, NULL, 0, &err));
    assert_non_null(strstr(err.message, "environment RUSTYDB_LOGGING_LEVEL"));
    unsetenv("RUSTYDB_LOGGING_LEVEL");
    rdb_error_clear(&err);
    rdb_config_flag flag = {RDB_CONFIG_SERVER_LISTEN_PORT, "--port", "x"};
    assert_false(rdb_config_load(&config, home, NULL, &flag, 1, &err));
    assert_non_null(strstr(err.message, "--port: invalid value"));
}

static void test_paths_and_the_page_cache(void **state)
{
    (void)state;
    char expected[200];
    rdb_config *config;
    write_file("conf/rustydb.toml", "[paths]\ndata_dir = \"/elsewhere\"\nrun_dir = \"r\"\n[tls]\nkey_path = \"/k\"\n"
                                    "[storage]\nbuffer_pool_pages = 2000\npage_size = 8192\n");
    config = load();
    assert_string_equal(rdb_config_path(config, RDB_CONFIG_WAL_DIR), "/elsewhere/wal");
    assert_string_equal(rdb_config_path(config, RDB_CONFIG_TLS_KEY_PATH), "/k");
    assert_string_equal(rdb_config_path(config, RDB_CONFIG_TLS_CA_PATH), "");
    snprintf(expected, sizeof expected, "%s/r/sockets", home);
    assert_string_equal(rdb_config_path(config, RDB_CONFIG_SERVER_IPC_PATH), expected);
    snprintf(expected, sizeof expected, "%s/conf/secrets/tls/server.crt", home);
    assert_string_equal(rdb_config_path(config, RDB_CONFIG_TLS_CERT_PATH), expected);
    assert_int_equal(rdb_config_buffer_bytes(config), 2000 * 8192);
    rdb_config_destroy(&config);
    write_file("conf/rustydb.toml", "[memory]\nshared_buffers = \"1GB\"\n[storage]\nbuffer_pool_pages = 2000\n");
    config = load();
    assert_int_equal(rdb_config_buffer_bytes(config), 1 << 30);
    rdb_config_destroy(&config);
    write_file("conf/overrides.d/9-b.toml", "storage.buffer_pool_pages = 3000\n"); /* of two names of one thing the higher layer's counts */
    config = load();
    assert_int_equal(rdb_config_buffer_bytes(config), 3000 * 4096);
    rdb_config_destroy(&config);
    setenv("RUSTYDB_MEMORY_SHARED_BUFFERS", "2MB", 1);
    config = load();
    assert_int_equal(rdb_config_buffer_bytes(config), 2 << 20);
    rdb_config_destroy(&config);
    const rdb_config_flag flag = {RDB_CONFIG_STORAGE_BUFFER_POOL_PAGES, "--buffer-pool-size", "1000"};
    rdb_error err = {0};
    assert_true(rdb_config_load(&config, home, NULL, &flag, 1, &err));
    assert_int_equal(rdb_config_buffer_bytes(config), 1000 * 4096);
    rdb_config_destroy(&config);
    unsetenv("RUSTYDB_MEMORY_SHARED_BUFFERS");
    write_file("conf/overrides.d/9-b.toml", "");
    write_file("conf/rustydb.toml", "");
    config = load();
    assert_int_equal(rdb_config_buffer_bytes(config), 128 << 20);
    rdb_config_destroy(&config);
}

static void test_what_is_printed_can_be_read_again(void **state)
{
    (void)state;
    rdb_error err = {0};
    write_file("conf/rustydb.toml", "[instance]\ndescription = \"a \\\"quoted\\\" name\"\n[clustering]\nseeds = [\"x\"]\n"
                                    "[apm]\nlicense_key = \"secret\"\n");
    rdb_config *config = load(), *again;
    rdb_strbuf plain, told;
    rdb_strbuf_init(&plain, NULL);
    rdb_strbuf_init(&told, NULL);
    rdb_config_print(config, true, &plain);
    assert_null(strstr(plain.data, "secret\""));
    assert_non_null(strstr(plain.data, "# default"));
    write_file("conf/printed.toml", plain.data);
    char file[200];
    snprintf(file, sizeof file, "%s/conf/printed.toml", home);
    if (!rdb_config_load(&again, NULL, file, NULL, 0, &err)) /* --check-config: no instance, no overrides */
        fail_msg("%s", err.message);
    assert_string_equal(rdb_config_text(again, RDB_CONFIG_INSTANCE_DESCRIPTION), "a \"quoted\" name");
    rdb_strbuf_clear(&plain);
    rdb_config_print(config, false, &plain);
    rdb_config_print(again, false, &told);
    assert_string_equal(plain.data, told.data);
    rdb_strbuf_clear(&told);
    rdb_config_print_json(config, &told);
    assert_non_null(strstr(told.data, "{\"key\":\"server.listen_port\",\"value\":5432,\"origin\":\"default\"}\n"));
    rdb_strbuf_free(&plain);
    rdb_strbuf_free(&told);
    rdb_config_destroy(&config);
    rdb_config_destroy(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_layer_stands_over_the_one_below, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mistakes_name_place_range_and_suggestion, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_paths_and_the_page_cache, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_printed_can_be_read_again, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
