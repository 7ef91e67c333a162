/* SPDX-License-Identifier: Apache-2.0
 * The parser library frees a thread's parsing memory through a pthread key, but makes a new key for every thread that
 * parses and deletes none: some thousand threads later pthread_key_create fails for the whole process. The build points
 * that call of the library here: one key serves all threads, since every one of them registers the same destructor. */
#include "sql/sql_int.h"

static pthread_mutex_t key_lock = PTHREAD_MUTEX_INITIALIZER;
static bool key_made;         /* guarded by key_lock */
static pthread_key_t the_key; /* guarded by key_lock */

int sql_parser_key_create(pthread_key_t *key, void (*destructor)(void *))
{
    int status = 0;
    pthread_mutex_lock(&key_lock);
    if (!key_made) {
        status = pthread_key_create(&the_key, destructor);
        key_made = status == 0;
    }
    if (status == 0)
        *key = the_key;
    pthread_mutex_unlock(&key_lock);
    return status;
}
