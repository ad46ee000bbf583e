/* SPDX-License-Identifier: Apache-2.0 */
/* The trusted files found so far: by URI, in the order in which they were found first. */
#ifndef MSE_MEASURE_URI_MAP_H
#define MSE_MEASURE_URI_MAP_H

#include "base/bytes.h"
struct mse_uri_entry {
    char sha256[65]; /* as text, as it was given; empty: not known yet */
    bool found;      /* in a directory only; else listed itself */
    bool left_out;   /* has a place, but is no trusted file */
    char uri[];
};

struct mse_uri_map {
    struct mse_uri_entry **entries; /* owned, each of them too */
    size_t count, room;
    void *index; /* tsearch() tree of the entries, by URI */
};

/*
 * *out is the entry of that URI, new if there was none; the map owns it. More than max entries are
 * MSE_ERR_LIMIT.
 */
MSE_MUST_CHECK bool mse_uri_map_add(struct mse_uri_map *map, const char *uri, size_t max,
                                    bool *is_new, struct mse_uri_entry **out,
                                    struct mse_error *err);
/* The next entry with this URI will be a new one; this one is left out. */
void mse_uri_map_leave_out(struct mse_uri_map *map, struct mse_uri_entry *entry);
void mse_uri_map_cleanup(struct mse_uri_map *map);

#endif
