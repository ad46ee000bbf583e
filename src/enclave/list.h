/* SPDX-License-Identifier: Apache-2.0 */
/* A ring of links that lie in the listed things: adding and removing cost nothing. */
#ifndef MSE_ENCLAVE_LIST_H
#define MSE_ENCLAVE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct mse_link {
    struct mse_link *prev, *next;
};

/* The thing that this link is in. */
#define MSE_HOLDER(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

/* An empty list, or a link that is in none. */
static inline void mse_list_init(struct mse_link *link)
{
    link->prev = link->next = link;
}

static inline bool mse_list_is_empty(const struct mse_link *head)
{
    return head->next == head;
}

/* Also for a link that is in no list. */
static inline void mse_list_remove(struct mse_link *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    mse_list_init(link);
}

/* Before at: the end of the list if at is its head. */
static inline void mse_list_insert(struct mse_link *at, struct mse_link *link)
{
    link->prev = at->prev;
    link->next = at;
    at->prev->next = link;
    at->prev = link;
}

#endif
