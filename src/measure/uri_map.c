/* SPDX-License-Identifier: Apache-2.0 */
/* A map that keeps its order. */
/*
 * Why a balanced tree for the index: URIs may come out of an image that an attacker made, and a
 * hash table with chosen collisions is a list.
 */
#include "measure/uri_map.h"

#include <search.h>
#include <stdlib.h>

static int compare_uris(const void *a, const void *b)
{
    return strcmp(((const struct mse_uri_entry *)a)->uri, ((const struct mse_uri_entry *)b)->uri);
}

static struct mse_uri_entry *new_entry(const char *uri)
{
    size_t len = strlen(uri);
    struct mse_uri_entry *entry = calloc(1, sizeof(*entry) + len + 1);

    if (entry != NULL)
        memcpy(entry->uri, uri, len + 1);
    return entry;
}

/* Room for one more. */
static bool reserve(struct mse_uri_map *map, size_t max, const char *uri, struct mse_error *err)
{
    size_t room = map->room != 0 ? map->room * 2 : 64;
    struct mse_uri_entry **entries;

    if (map->count >= max)
        return mse_fail_text(err, MSE_ERR_LIMIT, uri, "more than %zu trusted files", max);
    if (map->count < map->room)
        return true;
    entries = realloc(map->entries, room * sizeof(struct mse_uri_entry *));
    if (entries == NULL)
        return mse_fail_memory(err);
    map->entries = entries;
    map->room = room;
    return true;
}

bool mse_uri_map_add(struct mse_uri_map *map, const char *uri, size_t max, bool *is_new,
                     struct mse_uri_entry **out, struct mse_error *err)
{
    struct mse_uri_entry *entry = new_entry(uri);
    struct mse_uri_entry **found = NULL;

    *out = NULL;
    *is_new = false;
    if (entry == NULL || (found = tsearch(entry, &map->index, compare_uris)) == NULL) {
        free(entry);
        return mse_fail_memory(err);
    }
    if (*found != entry) { /* tsearch() keeps the one that was there */
        free(entry);
        *out = *found;
        return true;
    }
    if (!reserve(map, max, uri, err)) {
        (void)tdelete(entry, &map->index, compare_uris);
        free(entry);
        return false;
    }
    map->entries[map->count++] = entry;
    *out = entry;
    *is_new = true;
    return true;
}

void mse_uri_map_leave_out(struct mse_uri_map *map, struct mse_uri_entry *entry)
{
    (void)tdelete(entry, &map->index, compare_uris);
    entry->left_out = true;
}

static void keep(void *entry)
{
    (void)entry; /* the array owns it */
}

void mse_uri_map_cleanup(struct mse_uri_map *map)
{
    tdestroy(map->index, keep);
    for (size_t i = 0; i < map->count; i++)
        free(map->entries[i]);
    free(map->entries);
    *map = (struct mse_uri_map){ 0 };
}
